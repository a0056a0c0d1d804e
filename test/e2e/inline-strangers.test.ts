import { inlineSuite } from "../support/suite-target.ts";

inlineSuite();
await import("./strangers.test.ts");
