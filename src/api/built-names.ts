/**
 * The code of a Worker, with the names that were built: which deployment of the manifest each bound application is.
 *
 * Where names are not kept, a class says nothing of its name, and two may be called the same. What is left of the graph is its
 * order, which is the manifest's: among the deployments without a name of their own, the first is the first that was built.
 *
 * Invariants:
 *   B1. With the code that was built, each application has the name that it was built with, whatever its class is called here.
 *   B2. Other code is refused as far as that can be seen: by its names where they are kept, else by the number of deployments
 *       and the names in options.
 */
import { ConfigError } from "../protocol/errors.ts";
import type { Manifest } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import { type AnyApplication, deploymentsOf, graphOf } from "./application.ts";
import { resolveApplication } from "./resolve-application.ts";
import { NAMES_ARE_KEPT, noteTargetName } from "./target-names.ts";

/**
 * The bound deployments, by `<application>/<deployment>`, with the names that were built. From then on `name` says them too.
 *
 * @param code What each application's `import_path` names, by application.
 * @param areKept Whether classes and functions have their names here.
 * @throws ConfigError if the code declares something else than what was built.
 */
export function boundAsBuilt(
  { applications }: Pick<Manifest, "applications">,
  code: Readonly<Record<string, unknown>>,
  areKept: boolean = NAMES_ARE_KEPT,
): Map<string, AnyApplication> {
  const bound = new Map<string, AnyApplication>();
  const changed: string[] = [];
  for (const { name: app, args, deployments } of applications) {
    const root = resolveApplication(app, own(code, app), args);
    const graph = areKept ? deploymentsOf(root, app) : graphOf(root, app);
    const matched = (areKept ? byName : byPlace)(app, graph, Object.keys(deployments));
    for (const [application, name] of matched.named) {
      bound.set(`${app}/${name}`, application);
      const { target, given } = application.deployment;
      const isSame = areKept || given.name !== undefined || noteTargetName(target, name);
      if (!isSame) changed.push(`${app}/${name}`);
    }
    changed.push(...matched.changed);
  }
  if (changed.length === 0) return bound;
  // Where nothing checks the build before it runs, as in Cloudflare's vitest plugin: at best a deployment would be missing in silence.
  throw new ConfigError(`What the applications declare has changed since the build: ${changed.join(", ")}. Run edge-serve build again.`);
}

interface Matched {
  readonly named: ReadonlyMap<AnyApplication, string>;
  /** What one side has and the other has not. */
  readonly changed: readonly string[];
}

function byName(app: string, graph: readonly AnyApplication[], built: readonly string[]): Matched {
  const declared = graph.map(({ name }) => name);
  const changed = [...declared.filter((name) => !built.includes(name)), ...built.filter((name) => !declared.includes(name))];
  return { named: new Map(graph.map((application) => [application, application.name])), changed: changed.map((name) => `${app}/${name}`) };
}

function byPlace(app: string, graph: readonly AnyApplication[], built: readonly string[]): Matched {
  const given = graph.flatMap(({ deployment }) => deployment.given.name ?? []);
  const unknown = given.filter((name, index) => !built.includes(name) || given.indexOf(name) !== index);
  if (unknown.length > 0) return { named: new Map(), changed: unknown.map((name) => `${app}/${name}`) };
  const others = built.filter((name) => !given.includes(name));
  const count = graph.length - given.length;
  if (count !== others.length)
    return { named: new Map(), changed: [`${app} (deployments named for their classes: ${count}, in the build: ${others.length})`] };
  const next = others.values();
  return {
    named: new Map(graph.map((application) => [application, application.deployment.given.name ?? next.next().value!])),
    changed: [],
  };
}
