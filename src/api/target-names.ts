/**
 * What a class or a function is called that a deployment is named for.
 *
 * A bundle may be made without its names (`keep_names: false`), and then a class is called whatever the bundler leaves. The
 * build always keeps them, so a Worker takes them from its manifest (`built-names.ts`), and they are remembered here.
 */

// A class has the same name in all applications of a Worker.
const built = new WeakMap<object, string>();

/** The name that was built for a class or a function; outside of a Worker, and where none was, its own. */
export function targetName(target: { readonly name: string }): string {
  return built.get(target) ?? target.name;
}

/** Remembers a name that was built. Returns `false` if the class or the function has another one already. */
export function noteTargetName(target: object, name: string): boolean {
  const known = built.get(target);
  if (known === undefined) built.set(target, name);
  return known === undefined || known === name;
}

/** Whether this code has its names: a bundler that does not keep them renames a function with the name of an outer one. */
export const NAMES_ARE_KEPT: boolean = (() => {
  function targetName(): void {}
  return targetName.name === "targetName";
})();
