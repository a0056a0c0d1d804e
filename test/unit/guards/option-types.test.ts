import { join } from "node:path";
import { API } from "typescript/unstable/sync";
import { describe, expect, it } from "vitest";
import { AUTOSCALING_OPTIONS, DEPLOYMENT_OPTIONS } from "../../../src/api/options.ts";
import { ADAPTIVE_OPTIONS, BATCH_OPTIONS } from "../../../src/batching/options.ts";
import { MULTIPLEXED_OPTIONS } from "../../../src/multiplexing/multiplexed.ts";

/** What an editor shows of the properties of types that `src/index.ts` exports: type, and doc comment with its tags. */
function shown(names: readonly string[]): Record<string, Record<string, { readonly type: string; readonly doc: string }>> {
  const api = new API({ cwd: process.cwd() });
  try {
    const { program, checker } = api.updateSnapshot({ openProject: join(process.cwd(), "tsconfig.json") }).getProjects()[0]!;
    const index = checker.getSymbolAtLocation(program.getSourceFile(join(process.cwd(), "src/index.ts"))!)!;
    const types = names.map((name) => {
      const symbol = checker.getAliasedSymbol(checker.getExportsOfModule(index).find((exported) => exported.name === name)!);
      const properties = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).map((property) => {
        const tags = checker.getJsDocTagsOfSymbol(property).map((tag) => `@${tag.name} ${tag.text}`);
        const doc = [checker.getDocumentationCommentOfSymbol(property), ...tags].join("\n");
        return [property.name, { type: checker.typeToString(checker.getTypeOfSymbol(property)!), doc }] as const;
      });
      return [name, Object.fromEntries(properties)] as const;
    });
    return Object.fromEntries(types);
  } finally {
    api.close();
  }
}

describe("the types of options, in an editor", () => {
  const tables = {
    DeploymentOptions: DEPLOYMENT_OPTIONS,
    AutoscalingOptions: AUTOSCALING_OPTIONS,
    BatchOptions: BATCH_OPTIONS,
    AdaptiveOptions: ADAPTIVE_OPTIONS,
    MultiplexedOptions: MULTIPLEXED_OPTIONS,
  };
  const types = shown(Object.keys(tables));

  it.each(Object.entries(tables))("have every option in %s, each with its doc comment", (name, table) => {
    expect(Object.keys(types[name]!)).toEqual(Object.keys(table));
    for (const [option, { doc }] of Object.entries(types[name]!)) expect(doc, option).toMatch(/^[`A-Z][^@]*\w.*[.;]/);
  });

  it("are what the author may give, with what it means and what holds without it", () => {
    const { DeploymentOptions: deployment, BatchOptions: batch, MultiplexedOptions: multiplexed } = types;
    expect(deployment!["numReplicas"]!.type).toBe('number | "auto" | undefined');
    expect(deployment!["autoscaling"]!.type).toBe("AutoscalingOptions | undefined");
    expect(deployment!["requestRouter"]!.type).toMatch(/^("\w+" \| ){2}RequestRouter \| undefined$/);
    expect(deployment!["placement"]!.type).toBe('"inline" | PlacementOptions | undefined');
    expect(deployment!["maxOngoingRequests"]!.doc).toMatch(
      /requests one replica runs at once[\s\S]*@accepts .*1,000,000[\s\S]*@default 100/,
    );
    expect(batch!["batchSizeOf"]!.type).toBe("((...columns: Columns) => number) | undefined");
    expect(multiplexed!["sizeOf"]!.type).toBe("((model: Model) => number) | undefined");
  });
});
