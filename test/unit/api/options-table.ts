/** What every option of a deployment accepts and refuses. */

/** The longest timer that there is. */
const MAX_TIME = 2_147_483_647;

const circular: Record<string, unknown> = {};
circular["self"] = circular;

/** Option, values that are accepted, and values that are not with what the error says is accepted. */
export const TABLE: readonly { option: string; accepts: readonly unknown[]; refuses: readonly unknown[]; accepted: string }[] = [
  {
    option: "name",
    accepts: ["a", "Rank-2_b", "x".repeat(63)],
    refuses: ["", "2fast", "a b", "a/b", "_a", "x".repeat(64), 7, "ä"],
    accepted: "a letter, then at most 62 letters, digits, _ or -",
  },
  {
    option: "numReplicas",
    accepts: [0, 1, 1000, "auto"],
    refuses: [-1, 1.5, NaN, Infinity, "2", null, true, 1001, 1e9, 1e300],
    accepted: 'an integer from 0 to 1000, or "auto"',
  },
  {
    option: "maxOngoingRequests",
    accepts: [1, 5000, 1_000_000],
    refuses: [0, -1, 2.5, "5", null, Infinity, 1_000_001],
    accepted: "an integer from 1 to 1000000",
  },
  {
    option: "maxQueuedRequests",
    accepts: [-1, 0, 1, 1_000_000],
    refuses: [-2, 0.5, "none", null, 1_000_001],
    accepted: "an integer from 0 to 1000000, or -1 for no limit",
  },
  {
    option: "requestTimeoutMs",
    accepts: [1, 0.5, MAX_TIME],
    refuses: [0, -1, Infinity, NaN, "1s", MAX_TIME + 1, 1e21],
    accepted: "a number above 0 and at most 2147483647",
  },
  {
    option: "userConfig",
    accepts: [null, 1, "a", [1, { b: [] }], {}, { a: { b: null } }],
    refuses: [() => 1, new Date(0), { a: new Map() }, [NaN], circular, 1n, Symbol("s")],
    accepted: "JSON: null, booleans, finite numbers, strings, arrays and plain objects, at most 10000000 characters in all",
  },
  {
    option: "healthCheckPeriodMs",
    accepts: [1, MAX_TIME],
    refuses: [0, "10", null, MAX_TIME + 1, 1e21],
    accepted: "a number above 0 and at most 2147483647",
  },
  {
    option: "healthCheckTimeoutMs",
    accepts: [1, MAX_TIME],
    refuses: [0, -5, MAX_TIME + 1, 1e21],
    accepted: "a number above 0 and at most 2147483647",
  },
  {
    option: "gracefulShutdownTimeoutMs",
    accepts: [0, 1, MAX_TIME],
    refuses: [-1, NaN, MAX_TIME + 1],
    accepted: "a number from 0 to 2147483647",
  },
  {
    option: "requestRouter",
    accepts: ["powerOfTwoChoices", "consistentHash", () => 0],
    refuses: ["random", 1, null],
    accepted: '"powerOfTwoChoices", "consistentHash", or a function',
  },
  {
    option: "placement",
    accepts: [{}, { locationHints: ["weur", "enam"], jurisdiction: "eu" }],
    refuses: ["weur", 1],
    accepted: "an object",
  },
  { option: "placement.locationHints", accepts: [[], ["weur"]], refuses: ["weur", {}], accepted: "an array of location hints" },
  {
    option: "placement.locationHints.0",
    accepts: ["weur", "apac-ne"],
    refuses: ["", 7, "a/b", "we ur", "w\n", "x".repeat(40)],
    accepted: "a location hint",
  },
  {
    option: "placement.jurisdiction",
    accepts: ["eu", "us", "fedramp", "fedramp-high"],
    refuses: ["EU", "de", 1],
    accepted: 'one of "eu", "us", "fedramp", "fedramp-high"',
  },
  { option: "retries", accepts: [{}], refuses: [3], accepted: "an object" },
  { option: "retries.attempts", accepts: [0, 5, 100], refuses: [-1, 1.5, 101, 1e9], accepted: "an integer from 0 to 100" },
  { option: "retries.onlyIfNotStarted", accepts: [true, false], refuses: ["yes", 0], accepted: "true or false" },
  { option: "backpressure.statusCode", accepts: [503, 429], refuses: [500, "503"], accepted: "503 or 429" },
  {
    option: "backpressure.retryAfterMs",
    accepts: [0, 1500, MAX_TIME],
    refuses: [-1, Infinity, MAX_TIME + 1],
    accepted: "a number from 0 to 2147483647",
  },
  {
    option: "maxConstructorRetryCount",
    accepts: [1, 20, 1_000_000],
    refuses: [0, "3", 1_000_001],
    accepted: "an integer from 1 to 1000000",
  },
  {
    option: "logging.level",
    accepts: ["DEBUG", "INFO", "WARNING", "ERROR"],
    refuses: ["info", 1],
    accepted: 'one of "DEBUG", "INFO", "WARNING", "ERROR"',
  },
  { option: "logging.accessLog", accepts: [true], refuses: [1], accepted: "true or false" },
  { option: "autoscaling", accepts: [{}], refuses: [true, 3], accepted: "an object" },
  { option: "autoscaling.minReplicas", accepts: [0, 1], refuses: [-1, 0.5, 1001, 1e9], accepted: "an integer from 0 to 1000" },
  { option: "autoscaling.maxReplicas", accepts: [1, 7, 1000], refuses: [-1, "3", 1001, 1e9], accepted: "an integer from 0 to 1000" },
  { option: "autoscaling.initialReplicas", accepts: [1], refuses: [-1, null, 1001, 1e9], accepted: "an integer from 0 to 1000" },
  {
    option: "autoscaling.targetOngoingRequests",
    accepts: [0.5, 9, 1_000_000],
    refuses: [0, Infinity, 1_000_001, 1e300],
    accepted: "a number above 0 and at most 1000000",
  },
  {
    option: "autoscaling.metricsIntervalMs",
    accepts: [1, MAX_TIME],
    refuses: [0, MAX_TIME + 1, 1e21],
    accepted: "a number above 0 and at most 2147483647",
  },
  {
    option: "autoscaling.lookBackPeriodMs",
    accepts: [1, MAX_TIME],
    refuses: [0, MAX_TIME + 1, 1e21],
    accepted: "a number above 0 and at most 2147483647",
  },
  { option: "autoscaling.upscaleDelayMs", accepts: [0, MAX_TIME], refuses: [-1, MAX_TIME + 1], accepted: "a number from 0 to 2147483647" },
  {
    option: "autoscaling.downscaleDelayMs",
    accepts: [0, MAX_TIME],
    refuses: [-1, MAX_TIME + 1],
    accepted: "a number from 0 to 2147483647",
  },
  {
    option: "autoscaling.downscaleToZeroDelayMs",
    accepts: [0, MAX_TIME],
    refuses: [-1, MAX_TIME + 1],
    accepted: "a number from 0 to 2147483647",
  },
  {
    option: "autoscaling.upscalingFactor",
    accepts: [0.1, 1_000_000],
    refuses: [0, 1_000_001, 1e300],
    accepted: "a number above 0 and at most 1000000",
  },
  {
    option: "autoscaling.downscalingFactor",
    accepts: [2, 1_000_000],
    refuses: [0, 1_000_001, 1e300],
    accepted: "a number above 0 and at most 1000000",
  },
  { option: "autoscaling.spillover", accepts: [false], refuses: ["no"], accepted: "true or false" },
  { option: "autoscaling.policy", accepts: [() => 1], refuses: ["queue"], accepted: "a function" },
];
