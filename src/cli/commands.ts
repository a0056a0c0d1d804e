import type { Command } from "./command.ts";
import { build } from "./commands/build.ts";
import { deploy } from "./commands/deploy.ts";
import { init } from "./commands/init.ts";
import { run } from "./commands/run.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [init, run, build, deploy];
