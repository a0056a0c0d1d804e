/**
 * In which order a request asks the replicas of a set, by what this isolate knows of them.
 *
 * Owns: which policy decides, and what it gets to see. Does not own: how many are asked, or what for.
 */
import type { ReplicaState, RequestMeta } from "../protocol/messages.ts";
import type { ReplicaRef, ReplicaSet } from "../protocol/replica-set.ts";
import type { ReplicaEstimates } from "./replica-estimates.ts";
import { ModelHolders } from "./model-holders.ts";
import { byModel } from "./policies/by-model.ts";
import { powerOfTwoChoices, sample } from "./policies/power-of-two-choices.ts";
import type { RouterRequest } from "../protocol/request-router.ts";
import type { Candidate, Policy, PolicyInput } from "./policy.ts";
import type { RequestRouterName } from "../protocol/manifest.ts";
import { rendezvous } from "./policies/rendezvous.ts";
import { ReplicaStates } from "./replica-states.ts";

/** What an ordering needs of the platform. */
export interface OrderingPorts {
  random(): number;
  now(): number;
  /** The location hint of the caller's own region, where it is known. */
  region?(): string | undefined;
  /** The application's own router, where it has one. */
  readonly customPolicy?: Policy;
}

/** What is known of a request that is to be sent. */
export interface Ordered {
  readonly meta: RequestMeta;
  /** `undefined` is the default method. */
  readonly method?: string | undefined;
}

/** A model is loaded in another replica when those that have it hold so many times as many requests as they run. */
const CROWDED = 2;

export class Ordering {
  readonly #ports: OrderingPorts;
  readonly #estimates: ReplicaEstimates;
  readonly #holders: ModelHolders;
  /** What replicas say that they have; kept for a router of the application's own. */
  readonly #states: ReplicaStates;
  #set: ReplicaSet;
  #policies: Policies;
  /** All replicas by distance, as long as the set is the same and this isolate knows no better where it is. */
  #places: Places | undefined;

  constructor(set: ReplicaSet, estimates: ReplicaEstimates, ports: OrderingPorts) {
    this.#ports = ports;
    this.#estimates = estimates;
    this.#holders = new ModelHolders(ports.now);
    this.#states = new ReplicaStates(ports.now);
    this.#set = set;
    this.#policies = this.#policiesOf(set);
  }

  /** The set has changed. What was known of replicas that are in it no more is forgotten. */
  take(set: ReplicaSet): void {
    this.#set = set;
    this.#policies = this.#policiesOf(set);
    this.#places = undefined;
    const names = new Set([...set.replicas, ...set.spill].map(({ name }) => name));
    this.#estimates.keep(names);
    this.#holders.keep(names);
    this.#states.keep(names);
  }

  /** Whether replicas are to say what they have. */
  get wantsStates(): boolean {
    return this.#policies.router === "custom" && this.#policies.custom !== undefined && this.#set.replicas.length > 1;
  }

  /** A replica has said what it has. */
  heard(replica: string, state: ReplicaState): void {
    this.#states.heard(replica, state);
  }

  /** The replicas to ask, at most `count`, the best first. Lost ones are left out while there are others. */
  of({ meta, method }: Ordered, count: number): readonly ReplicaRef[] {
    const { replicas } = this.#set;
    if (replicas.length <= 1) return replicas;
    const { random } = this.#ports;
    const policy = policyOf(this.#policies, meta);
    const usable = this.#usable(replicas);
    const pool = policy === powerOfTwoChoices ? this.#sample(usable, 2 * count) : usable;
    const affinity = meta.multiplexedModelId ?? meta.key;
    const candidates = pool.map((replica) => this.#candidate(replica, meta));
    const input = { candidates, affinity, random };
    const order = policy === this.#policies.custom ? policy(this.#forCustom(input, meta, method), count) : policy(input, count);
    return order.map((index) => pool[index]!);
  }

  #forCustom(input: PolicyInput, meta: RequestMeta, method = "call"): PolicyInput {
    const { multiplexedModelId, key } = meta;
    const request: { -readonly [K in keyof RouterRequest]: RouterRequest[K] } = { method };
    if (key !== undefined) request.key = key;
    if (multiplexedModelId !== undefined) request.multiplexedModelId = multiplexedModelId;
    const region = this.#ports.region?.();
    if (region !== undefined) request.region = region;
    const { maxOngoingRequests } = this.#set.config;
    const candidates = input.candidates.map((candidate) => ({
      ...candidate,
      state: this.#states.of(candidate.name, this.#estimates.inFlightAt(candidate.name), maxOngoingRequests),
    }));
    return { ...input, candidates, request, otherwise: builtInPolicyOf(this.#policies, meta) };
  }

  // Two choices for each place look at no more, near or far, and to look at all of many replicas costs more than the rest
  // of the router.
  #sample(usable: readonly ReplicaRef[], count: number): readonly ReplicaRef[] {
    if (usable.length <= count) return usable;
    const { random, region } = this.#ports;
    const here = region?.();
    if (this.#places?.here !== here || this.#places?.of !== usable) this.#places = placesOf(usable, here);
    const { near, far } = this.#places!;
    return near.length === 0 ? sample(far, count, random) : [...sample(near, count, random), ...sample(far, count, random)];
  }

  #usable(replicas: readonly ReplicaRef[]): readonly ReplicaRef[] {
    if (!this.#estimates.avoidsSome) return replicas;
    const well = replicas.filter(({ name }) => !this.#estimates.isAvoided(name));
    return well.length === 0 ? replicas : well;
  }

  /** A replica answered the request. Who answered one for a model has the model. */
  answered(replica: string, meta: RequestMeta): void {
    // Of one that has no others nobody asks what it has, and the id of a request costs a look at its headers.
    if (this.#set.replicas.length <= 1) return;
    const { multiplexedModelId } = meta;
    if (multiplexedModelId !== undefined) this.#holders.saw(replica, multiplexedModelId);
  }

  /** A replica is gone, and its models with it. */
  lost(replica: string): void {
    this.#holders.lost(replica);
    this.#states.lost(replica);
  }

  #candidate({ name, locationHint }: ReplicaRef, { multiplexedModelId }: RequestMeta): Candidate {
    const isNear = locationHint !== undefined && locationHint === this.#ports.region?.();
    const known = { name, load: this.#estimates.loadOf(name), refusals: this.#estimates.refusalsOf(name), isNear };
    return multiplexedModelId === undefined ? known : { ...known, hasModel: this.#holders.has(name, multiplexedModelId) };
  }

  #policiesOf({ config: { requestRouter, maxOngoingRequests } }: ReplicaSet): Policies {
    return { router: requestRouter, custom: this.#ports.customPolicy, byModel: byModel(CROWDED * maxOngoingRequests) };
  }
}

/** Replicas, seen from somewhere. */
interface Places {
  readonly of: readonly ReplicaRef[];
  readonly here: string | undefined;
  readonly near: readonly ReplicaRef[];
  readonly far: readonly ReplicaRef[];
}

function placesOf(of: readonly ReplicaRef[], here: string | undefined): Places {
  const near = here === undefined ? [] : of.filter(({ locationHint }) => locationHint === here);
  const far = near.length === 0 ? of : of.filter(({ locationHint }) => locationHint !== here);
  return { of, here, near, far };
}

/** What decides how requests to a deployment are routed. */
export interface Policies {
  readonly router: RequestRouterName;
  /** The application's own router, where it has one. */
  readonly custom: Policy | undefined;
  readonly byModel: Policy;
}

/** Which policy decides for a request. */
export function policyOf(policies: Policies, meta: RequestMeta): Policy {
  return policies.router === "custom" && policies.custom !== undefined ? policies.custom : builtInPolicyOf(policies, meta);
}

// A key or a model id decides for hashing whatever the router: that is what it is given for.
function builtInPolicyOf({ byModel }: Policies, { multiplexedModelId, key }: RequestMeta): Policy {
  if (multiplexedModelId !== undefined) return byModel;
  return key === undefined ? powerOfTwoChoices : rendezvous;
}
