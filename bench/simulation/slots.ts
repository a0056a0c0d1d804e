/**
 * How a simulated replica gives slots: as a real one does, by what the delivery says.
 */
import type { Delivery, RequestMeta, Reservation } from "../../src/protocol/messages.ts";
import type { Admission, Slot } from "../../src/replica/admission.ts";

/** What travels with a job: whoever asks for its slot brings no arguments. */
export type JobMeta<Job> = RequestMeta & { readonly job: Job };

/** The slot of a request that has come; `undefined` if it is refused. */
export function slotFor(admission: Admission, { id, mode, isReserved }: Delivery): Slot | Promise<Slot> | undefined {
  if (isReserved === true) return admission.arrive(id);
  return mode === "claim" ? admission.claim() : admission.queue(id, undefined);
}

/** The answer to a request for a slot. The simulated callers never vanish, so there is no grant to dispose of. */
export async function reserve(admission: Admission, { id, mode }: Delivery): Promise<Reservation> {
  return (await admission.reserve(id, undefined, mode === "queue")) ? { kind: "reserved" } : { kind: "refused", load: admission.load };
}
