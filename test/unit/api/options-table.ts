/** What every option of a deployment accepts and refuses. */

/** The longest timer that there is. */
const MAX_TIME = 2_147_483_647;

// 40 objects, which would be a million million values as text; ten million values in some thousand objects; and one too deep for anyone's stack.
const nested = (depth: number, wrap: (inner: unknown) => unknown) => Array.from({ length: depth }).reduce<unknown>(wrap, 1);
const shared = nested(40, (inner) => ({ a: inner, b: inner }));
const row = Array.from({ length: 1000 }, () => 1);
const many = Array.from({ length: 10_001 }, () => row);
const deep = nested(100_000, (inner) => [inner]);

const circular: Record<string, unknown> = {};
circular["self"] = circular;

/** Option, values that are accepted, and values that are not with what the error mentions of what is accepted. */
export const TABLE: readonly { option: string; accepts: readonly unknown[]; refuses: readonly unknown[]; accepted: readonly string[] }[] = [
  {
    option: "name",
    accepts: ["a", "Rank-2_b", "x".repeat(63)],
    refuses: ["", "2fast", "a b", "a/b", "_a", "x".repeat(64), 7, "ä"],
    accepted: ["62", "letter"],
  },
  {
    option: "numReplicas",
    accepts: [0, 1, 1000, "auto"],
    refuses: [-1, 1.5, NaN, Infinity, "2", null, true, 1001, 1e9, 1e300],
    accepted: ["0", "1000", '"auto"'],
  },
  {
    option: "maxOngoingRequests",
    accepts: [1, 5000, 1_000_000],
    refuses: [0, -1, 2.5, "5", null, Infinity, 1_000_001],
    accepted: ["1", "1000000"],
  },
  {
    option: "maxQueuedRequests",
    accepts: [-1, 0, 1, 1_000_000],
    refuses: [-2, 0.5, "none", null, 1_000_001],
    accepted: ["0", "1000000", "-1"],
  },
  {
    option: "requestTimeoutMs",
    accepts: [1, 0.5, MAX_TIME],
    refuses: [0, -1, Infinity, NaN, "1s", MAX_TIME + 1, 1e21],
    accepted: ["0", "2147483647"],
  },
  {
    option: "userConfig",
    accepts: [
      null,
      1,
      "a",
      [1, { b: [] }],
      {},
      { a: { b: null } },
      nested(100, (inner) => [inner]),
      [row, row],
      nested(15, (inner) => [inner, inner]),
    ],
    refuses: [
      () => 1,
      new Date(0),
      { a: new Map() },
      [NaN],
      circular,
      shared,
      many,
      deep,
      nested(102, (inner) => ({ inner })),
      1n,
      Symbol("s"),
    ],
    accepted: ["JSON"],
  },
  {
    option: "healthCheckPeriodMs",
    accepts: [1, MAX_TIME],
    refuses: [0, "10", null, MAX_TIME + 1, 1e21],
    accepted: ["0", "2147483647"],
  },
  {
    option: "healthCheckTimeoutMs",
    accepts: [1, MAX_TIME],
    refuses: [0, -5, MAX_TIME + 1, 1e21],
    accepted: ["0", "2147483647"],
  },
  {
    option: "gracefulShutdownTimeoutMs",
    accepts: [0, 1, MAX_TIME],
    refuses: [-1, NaN, MAX_TIME + 1],
    accepted: ["0", "2147483647"],
  },
  {
    option: "requestRouter",
    accepts: ["powerOfTwoChoices", "consistentHash", () => 0],
    refuses: ["random", 1, null],
    accepted: ['"powerOfTwoChoices"', '"consistentHash"', "function"],
  },
  {
    option: "placement",
    accepts: [{}, { locationHints: ["weur", "enam"], jurisdiction: "eu" }, "inline"],
    refuses: ["weur", 1, "Inline", ["inline"]],
    accepted: ["object", '"inline"'],
  },
  { option: "placement.locationHints", accepts: [[], ["weur"]], refuses: ["weur", {}], accepted: ["location hints"] },
  {
    option: "placement.locationHints.0",
    accepts: ["weur", "apac-ne"],
    refuses: ["", 7, "a/b", "we ur", "w\n", "x".repeat(40)],
    accepted: ["location hint"],
  },
  {
    option: "placement.jurisdiction",
    accepts: ["eu", "us", "fedramp", "fedramp-high"],
    refuses: ["EU", "de", 1],
    accepted: ['"eu"', '"us"', '"fedramp"', '"fedramp-high"'],
  },
  { option: "retries", accepts: [{}], refuses: [3, null, [], () => 1], accepted: ["object"] },
  { option: "retries.attempts", accepts: [0, 5, 100], refuses: [-1, 1.5, 101, 1e9], accepted: ["0", "100"] },
  { option: "retries.onlyIfNotStarted", accepts: [true, false], refuses: ["yes", 0], accepted: ["true", "false"] },
  { option: "backpressure.statusCode", accepts: [503, 429], refuses: [500, "503"], accepted: ["503", "429"] },
  {
    option: "backpressure.retryAfterMs",
    accepts: [0, 1500, MAX_TIME],
    refuses: [-1, Infinity, MAX_TIME + 1],
    accepted: ["0", "2147483647"],
  },
  {
    option: "maxConstructorRetryCount",
    accepts: [1, 20, 1_000_000],
    refuses: [0, "3", 1_000_001],
    accepted: ["1", "1000000"],
  },
  {
    option: "logging.level",
    accepts: ["DEBUG", "INFO", "WARNING", "ERROR"],
    refuses: ["info", 1],
    accepted: ['"DEBUG"', '"INFO"', '"WARNING"', '"ERROR"'],
  },
  { option: "logging.accessLog", accepts: [true], refuses: [1], accepted: ["true", "false"] },
  { option: "autoscaling", accepts: [{}], refuses: [true, 3, []], accepted: ["object"] },
  { option: "autoscaling.minReplicas", accepts: [0, 1], refuses: [-1, 0.5, 1001, 1e9], accepted: ["0", "1000"] },
  { option: "autoscaling.maxReplicas", accepts: [1, 7, 1000], refuses: [-1, "3", 1001, 1e9], accepted: ["0", "1000"] },
  { option: "autoscaling.initialReplicas", accepts: [1], refuses: [-1, null, 1001, 1e9], accepted: ["0", "1000"] },
  {
    option: "autoscaling.targetOngoingRequests",
    accepts: [0.5, 9, 1_000_000],
    refuses: [0, Infinity, 1_000_001, 1e300],
    accepted: ["0", "1000000"],
  },
  {
    option: "autoscaling.metricsIntervalMs",
    accepts: [1, MAX_TIME],
    refuses: [0, MAX_TIME + 1, 1e21],
    accepted: ["0", "2147483647"],
  },
  {
    option: "autoscaling.lookBackPeriodMs",
    accepts: [1, MAX_TIME],
    refuses: [0, MAX_TIME + 1, 1e21],
    accepted: ["0", "2147483647"],
  },
  { option: "autoscaling.upscaleDelayMs", accepts: [0, MAX_TIME], refuses: [-1, MAX_TIME + 1], accepted: ["0", "2147483647"] },
  {
    option: "autoscaling.downscaleDelayMs",
    accepts: [0, MAX_TIME],
    refuses: [-1, MAX_TIME + 1],
    accepted: ["0", "2147483647"],
  },
  {
    option: "autoscaling.downscaleToZeroDelayMs",
    accepts: [0, MAX_TIME],
    refuses: [-1, MAX_TIME + 1],
    accepted: ["0", "2147483647"],
  },
  {
    option: "autoscaling.upscalingFactor",
    accepts: [0.1, 1_000_000],
    refuses: [0, 1_000_001, 1e300],
    accepted: ["0", "1000000"],
  },
  {
    option: "autoscaling.downscalingFactor",
    accepts: [2, 1_000_000],
    refuses: [0, 1_000_001, 1e300],
    accepted: ["0", "1000000"],
  },
  { option: "autoscaling.spillover", accepts: [false], refuses: ["no"], accepted: ["true", "false"] },
  { option: "autoscaling.policy", accepts: [() => 1], refuses: ["queue"], accepted: ["function"] },
  {
    option: "keyed",
    accepts: [true, false, { key: () => "a" }],
    refuses: [1, null, "yes", {}, { key: "a" }, { keys: () => "a" }, []],
    accepted: ["true", "false", "key"],
  },
  { option: "tasks", accepts: [{}, { maxAttempts: 5 }], refuses: [true, 3, null, []], accepted: ["object"] },
  { option: "tasks.maxAttempts", accepts: [1, 100], refuses: [0, 1.5, 101, "3"], accepted: ["1", "100"] },
  { option: "tasks.backoffMs", accepts: [0, MAX_TIME], refuses: [-1, MAX_TIME + 1], accepted: ["0", "2147483647"] },
  { option: "tasks.maxBackoffMs", accepts: [0, MAX_TIME], refuses: [-1, MAX_TIME + 1], accepted: ["0", "2147483647"] },
  { option: "tasks.timeoutMs", accepts: [1, MAX_TIME], refuses: [0, MAX_TIME + 1], accepted: ["0", "2147483647"] },
  { option: "tasks.retentionMs", accepts: [0, 31_536_000_000], refuses: [-1, 31_536_000_001, "1d"], accepted: ["0", "31536000000"] },
  {
    option: "schedules",
    accepts: [
      [],
      [{ cron: "*/5 * * * *" }],
      [{ cron: "@hourly" }, { cron: "0 0 9 * * MON-FRI", method: "sweep", args: [1, { a: "b" }], timezone: "Europe/Berlin" }],
    ],
    refuses: ["@hourly", {}, null, Array.from({ length: 1001 }, () => ({ cron: "@hourly" }))],
    accepted: ["1000", "array"],
  },
  {
    option: "schedules.0",
    accepts: [{ cron: "@daily" }],
    refuses: ["@daily", {}, { method: "sweep" }, { cron: "@daily", every: 5 }],
    accepted: ["cron", "timezone", "method", "args"],
  },
  {
    option: "schedules.0.cron",
    accepts: ["0 0 1 1 *", "0 30 4 * * 0", "0 12 L * *", "0 12 * * 5#2"],
    refuses: ["", "nope", "* * * *", "61 * * * *", "* * * * * * *", "@never", "a+b * * * *", 5],
    accepted: ["cron"],
  },
  {
    option: "schedules",
    accepts: ["UTC", "America/New_York"].map((timezone) => [{ cron: "@daily", timezone }]),
    refuses: ["Mars/Base", "", 1].map((timezone) => [{ cron: "@daily", timezone }]),
    accepted: ["timezone", "Europe/Berlin"],
  },
  {
    option: "schedules",
    accepts: [[{ cron: "@daily", method: "sweep" }]],
    refuses: ["", "_sweep", "a b", 1].map((method) => [{ cron: "@daily", method }]),
    accepted: ["schedules.0.method"],
  },
  {
    option: "schedules",
    accepts: [[], [null]].map((args) => [{ cron: "@daily", args }]),
    refuses: ["a", {}, [() => 1]].map((args) => [{ cron: "@daily", args }]),
    accepted: ["args"],
  },
];
