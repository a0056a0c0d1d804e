import { OBJECT_DELETED } from "../protocol/keys.ts";

/** Why a request has no place any more in the object of a key: it is for the object that comes after this one. */
export class Deleted extends Error {
  constructor() {
    super(OBJECT_DELETED);
  }
}
