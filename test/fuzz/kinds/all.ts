/** Every kind of input that is checked in process. */
import type { Kind } from "../kind.ts";
import { DOCUMENT, OPTIONS, YAML } from "./documents.ts";
import { ENVELOPE, FORGED_ENVELOPE, NEWS } from "./envelopes.ts";
import { CROSSING_ERROR, TOLD_ERROR } from "./errors.ts";
import { HTTP } from "./http.ts";
import { ANSWER, LOGGED, SENDABLE, TEXT } from "./values.ts";

/** The kinds, each with its weight. */
export const KINDS: readonly Kind[] = [
  SENDABLE,
  TEXT,
  LOGGED,
  ANSWER,
  CROSSING_ERROR,
  TOLD_ERROR,
  DOCUMENT,
  YAML,
  OPTIONS,
  ENVELOPE,
  FORGED_ENVELOPE,
  NEWS,
  HTTP,
] as readonly Kind[];
