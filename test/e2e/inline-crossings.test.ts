import { inlineSuite } from "../support/suite-target.ts";

inlineSuite();
await import("./crossings.test.ts");
