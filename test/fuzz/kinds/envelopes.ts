/**
 * What travels beside a request, as text: what is written is read, and what nobody wrote is refused and never misread.
 */
import { decodeEnvelope, decodeReply, encodeEnvelope } from "../../../src/protocol/envelope.ts";
import type { Delivery, RequestMeta } from "../../../src/protocol/messages.ts";
import { decodeSet, encodeSet } from "../../../src/protocol/news.ts";
import { initialReplicaSet, replicaRef, type ReplicaSet } from "../../../src/protocol/replica-set.ts";
import { resolveOptions } from "../../../src/api/resolve-options.ts";
import type { Choices } from "../choices.ts";
import { holds, type Kind } from "../kind.ts";
import { mutated, oddJson, scrap } from "../text.ts";
import { difference } from "../same.ts";

interface Sent {
  readonly meta: RequestMeta;
  readonly delivery: Delivery;
}

const text = (choices: Choices) => choices.of(["a", "", "é😀", "\ud800", "\u2028", '"', "\0", "x".repeat(3000)]);

function makeSent(choices: Choices): Sent {
  const meta: RequestMeta = {
    requestId: text(choices),
    chain: choices.list(0, 12, () => text(choices)),
    hops: choices.below(13),
    ...(choices.once(2) ? { routePrefix: text(choices) } : {}),
    ...(choices.once(3) ? { deadline: choices.of([1, 0, 1.8e12]) } : {}),
    ...(choices.once(3) ? { multiplexedModelId: text(choices) } : {}),
    ...(choices.once(3) ? { key: text(choices) } : {}),
    ...(choices.once(3) ? { traceparent: text(choices), ...(choices.once(2) ? { tracestate: text(choices) } : {}) } : {}),
  };
  const base = { id: text(choices), epoch: choices.of([0, 7, 2 ** 40]) };
  const delivery = choices.of<Delivery>([
    { ...base, mode: "claim" },
    { ...base, mode: "queue" },
    { ...base, mode: "queue", isReserved: true },
    { ...base, mode: "claim", isSpill: true },
  ]);
  return { meta, delivery };
}

const sorted = (value: object) => Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** An envelope as it was written. */
export const ENVELOPE: Kind<Sent> = {
  name: "envelope",
  weight: 10,
  make: makeSent,
  check({ meta, delivery }) {
    const read = decodeEnvelope(encodeEnvelope(meta, delivery));
    holds(read !== undefined, "an envelope that was written is read");
    const differs = difference(sorted(meta), sorted(read.meta)) ?? difference(sorted(delivery), sorted(read.delivery));
    holds(differs === undefined, "an envelope is read as it was written", () => differs);
  },
};

/** An envelope as nobody wrote it, and replies of unknown kinds. */
export const FORGED_ENVELOPE: Kind<{ readonly envelope: string; readonly reply: unknown }> = {
  name: "forged-envelope",
  weight: 8,
  make(choices) {
    const { meta, delivery } = makeSent(choices);
    return { envelope: mutated(choices, choices.once(8) ? scrap(choices) : encodeEnvelope(meta, delivery)), reply: oddReply(choices) };
  },
  check({ envelope, reply }) {
    const read = decodeEnvelope(envelope);
    if (read !== undefined) holds(["claim", "queue"].includes(read.delivery.mode), "an envelope has a mode that there is");
    try {
      decodeReply(reply as Parameters<typeof decodeReply>[0]);
    } catch (error) {
      // Only an error that says what happened: it is read by `classifyFailure`.
      holds(error instanceof Error && error.constructor === Error && error.message.length > 0, "an odd reply is an Error", () => error);
    }
  },
};

function oddReply(choices: Choices): unknown {
  return choices.of<() => unknown>([
    () => ({ kind: "value", value: oddJson(choices) }),
    () => ({
      kind: choices.of(["refused", "stream", "other", "", "constructor"]),
      load: oddJson(choices),
      protocol: choices.of([undefined, 2]),
    }),
    () => choices.of(["text", 1, null, undefined, true]),
  ])();
}

function makeSet(choices: Choices): ReplicaSet {
  const hints = choices.of([[], ["weur"], ["weur", "enam", "apac"]]);
  const config = resolveOptions({ placement: { locationHints: hints }, numReplicas: choices.of([1, 0, 3, 100, 1000]) });
  const [app, deployment] = [choices.of(["app", "a-b_c"]), choices.of(["Model", "M_1"])];
  const compiled = initialReplicaSet(app, deployment, config, choices.of(["/", null, "/é😀"]));
  const replicas = compiled.replicas.map((ref, ordinal) =>
    choices.once(10) ? replicaRef({ app, deployment, config, ordinal, incarnation: choices.below(4) }) : ref,
  );
  return { ...compiled, epoch: choices.below(100), replicas: choices.once(3) ? replicas.toReversed() : replicas };
}

/** A replica set on a response. */
export const NEWS: Kind<ReplicaSet> = {
  name: "news",
  weight: 2,
  make: makeSet,
  check(set) {
    const header = encodeSet(set);
    holds(/^[ -~]*$/.test(header), "news is ASCII");
    const differs = difference(
      sorted(JSON.parse(JSON.stringify(set)) as object),
      sorted(JSON.parse(JSON.stringify(decodeSet(header))) as object),
    );
    holds(differs === undefined, "news is read as it was written", () => differs);
  },
};
