import { inlineSuite } from "../support/suite-target.ts";

await inlineSuite("strangers");
