import { inlineSuite } from "../support/suite-target.ts";

inlineSuite();
await import("./http.test.ts");
