/**
 * What the default export of a bundled module is, as far as its text says: for a module that cannot be run to find out, because it
 * imports what is not built yet.
 *
 * The bundler writes each declaration at the top level in one form, whatever the source looks like.
 */

/** A default export that is a function, or a class that extends nothing. */
export interface PlainDefault {
  readonly kind: "function" | "class";
  /** Empty where the source has none. */
  readonly name: string;
}

// A name may stand for another one: `const app = ...; export default app`.
const MAX_NAMES = 5;

/** What is known of a default export by a bundle's text; `undefined` for what is anything else, or not known. */
export function plainDefaultOf(bundle: string): PlainDefault | undefined {
  let name = /^ {2}([\w$]+) as default,?$/m.exec(bundle)?.[1];
  for (let count = 0; name !== undefined && count < MAX_NAMES; count++) {
    const declared = declarationOf(name, bundle);
    const kind = kindOf(declared);
    if (kind !== undefined) return { kind, name: /_default\d*$/.test(name) ? "" : name };
    name = /^([\w$]+);$/.exec(declared)?.[1];
  }
  return undefined;
}

/** The first line of what declares a name, without the name. */
function declarationOf(name: string, bundle: string): string {
  const escaped = name.replaceAll("$", String.raw`\$`);
  const [, variable, fn] =
    new RegExp(String.raw`^(?:var ${escaped} = (.*)|((?:async )?function\*? )${escaped}\(.*)$`, "m").exec(bundle) ?? [];
  return variable ?? fn ?? "";
}

function kindOf(declared: string): PlainDefault["kind"] | undefined {
  if (/^class(?: [\w$]+)? \{/.test(declared)) return "class";
  return /^(?:async )?(?:function\b|\((?:[^()]|\([^()]*\))*\) => )/.test(declared) ? "function" : undefined;
}
