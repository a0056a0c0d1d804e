import { defineConfig } from "vitest/config";

// serve() compiles and starts the whole runtime, which takes seconds.
export default defineConfig({ test: { testTimeout: 60_000 } });
