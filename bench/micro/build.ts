/**
 * The Workers that are measured.
 */
import { bundle } from "../workerd-bundle.ts";

/** The Durable Object classes of every measured Worker. */
export const CLASSES = [
  "noop__Noop",
  "calls__Caller",
  "calls__Echo",
  "composed__Ingress",
  "composed__Hello",
  "composed__World",
  "stream__Reader",
  "stream__Items",
];

/** Those that edge-serve has besides. */
export const CONTROL_PLANE = ["EdgeServeController", "EdgeServeConfig"];

/** Builds `apps/<name>.ts` in a folder. @returns The path of workerd's config. */
export function build(name: string, folder: string): string {
  const classes = name === "edge-serve" ? [...CLASSES, ...CONTROL_PLANE] : CLASSES;
  return bundle({ name, main: new URL(`apps/${name}.ts`, import.meta.url), classes, folder }).config;
}
