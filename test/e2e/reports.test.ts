/**
 * What replicas report, and what reports cost: tests that mostly wait, for reports and for objects to fall asleep. They wait together,
 * each with a server of its own, the longest first.
 *
 * A test is one of `reports/`, in a suite that is concurrent; an inner one that is not keeps its tests in order.
 */
const PARTS = ["keyed-metrics", "metrics", "hanging-shadow", "control-plane-cost", "not-starting", "user-metrics"];

for (const part of PARTS) await import(`./reports/${part}.ts`);
