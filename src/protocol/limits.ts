/** Numbers that more than one part of the system has to agree on. */

/**
 * How deep calls may nest. The platform refuses at about 16 and counts its own hops too, so edge-serve
 * refuses earlier and says where.
 */
export const MAX_HOPS = 12;

/** The most replicas that a deployment may have, wherever that is said: code, config file, `PUT`, `scale`. */
export const MAX_REPLICAS = 1000;
/** The most of anything else that is counted: requests, starts. */
export const MAX_COUNT = 1_000_000;
/** The longest time in milliseconds: a timer that is set for longer fires at once. */
export const MAX_TIME_MS = 2_147_483_647;
/** How long a task may wait at most before it begins, and be kept once it is finished, in milliseconds: 365 days. */
export const MAX_TASK_TIME_MS = 31_536_000_000;
/** The most schedules of one deployment. */
export const MAX_SCHEDULES = 1000;
/** The most tries of one request after the first, and the most attempts of a task. */
export const MAX_ATTEMPTS = 100;
/** The most items of a batch. */
export const MAX_BATCH_SIZE = 10_000;
/** The most models that a replica holds, where it holds a limited number. */
export const MAX_MODELS = 1000;
/** The most bytes that an option may name: what a double counts exactly. */
export const MAX_BYTES: number = Number.MAX_SAFE_INTEGER;
/** The largest message that the platform passes on, in bytes; a call from outside is one. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024 * 1024;

/** How long a batch, or the load of a model, may still run once its last caller has left, in milliseconds. */
export const GIVE_UP_MS = 5000;

/** How long `setup()` may take, in milliseconds. */
export const SETUP_LIMIT_MS = 600_000;

/** `healthCheckTimeoutMs` where a deployment does not say otherwise. */
export const DEFAULT_HEALTH_CHECK_TIMEOUT_MS = 30_000;
