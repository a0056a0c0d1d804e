import type { Command } from "./command.ts";
import { apply } from "./commands/apply.ts";
import { build } from "./commands/build.ts";
import { check } from "./commands/check.ts";
import { config } from "./commands/config.ts";
import { dashboard } from "./commands/dashboard.ts";
import { remove } from "./commands/delete.ts";
import { deploy } from "./commands/deploy.ts";
import { init } from "./commands/init.ts";
import { run } from "./commands/run.ts";
import { scale } from "./commands/scale.ts";
import { status } from "./commands/status.ts";
import { tasks } from "./commands/tasks.ts";
import { traffic } from "./commands/traffic.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  init,
  run,
  build,
  deploy,
  status,
  dashboard,
  config,
  apply,
  scale,
  traffic,
  remove,
  tasks,
  check,
];
