/**
 * Stands in for `src/protocol/envelope.ts`: what a later version of it may do.
 *
 * It adds a field to every envelope, and one to every answer that is not bare. Requests with a key that begins with
 * `needs-2` use something that older code would misread, so they need protocol 2.
 */
import {
  decodeEnvelope as decodeNow,
  encodeEnvelope as encodeNow,
  encodeReply as encodeReplyNow,
  type Envelope,
  isImplied as isImpliedNow,
  PROTOCOL as BEFORE,
  type WireReply,
} from "../../../../src/protocol/envelope.ts";
import type { CompiledPlace } from "../../../../src/protocol/http-request.ts";
import type { Delivery, Load, Reply, RequestMeta } from "../../../../src/protocol/messages.ts";

export { checkUnderstood, decodeReply } from "../../../../src/protocol/envelope.ts";
export type { CallExtras, Envelope, WireReply } from "../../../../src/protocol/envelope.ts";

export const PROTOCOL = BEFORE + 1;
const NEEDS = 11;

const needsNext = ({ key }: RequestMeta): boolean => key?.startsWith("needs-2") === true;

export function isImplied(meta: RequestMeta, delivery: Delivery, place: CompiledPlace): boolean {
  return !needsNext(meta) && isImpliedNow(meta, delivery, place);
}

export function encodeEnvelope(meta: RequestMeta, delivery: Delivery): string {
  const fields = JSON.parse(encodeNow(meta, delivery)) as unknown[];
  while (fields.length < NEEDS) fields.push(null);
  return JSON.stringify([...fields, needsNext(meta) ? PROTOCOL : null, { added: "later" }]);
}

export function decodeEnvelope(text: string): Envelope | undefined {
  const fields = JSON.parse(text) as unknown[];
  if (fields[NEEDS] === PROTOCOL) fields[NEEDS] = BEFORE;
  return decodeNow(JSON.stringify(fields));
}

export function encodeReply(reply: Reply): WireReply {
  const wire = encodeReplyNow(reply);
  return typeof wire === "object" && wire !== null ? ({ ...wire, added: "later" } as unknown as WireReply) : wire;
}

export function refuseUnread(load: Load): WireReply {
  return { kind: "refused", load, protocol: PROTOCOL };
}
