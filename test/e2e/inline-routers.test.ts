import { inlineSuite } from "../support/suite-target.ts";

inlineSuite();
await import("./routers.test.ts");
