import { inlineSuite } from "../support/suite-target.ts";

inlineSuite();
await import("./handles.test.ts");
