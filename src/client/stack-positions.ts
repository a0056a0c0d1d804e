/**
 * Positions in the stacks that arrive over a connection.
 *
 * A stack names places in the bundle that the system runs. Whoever has built that bundle in this process, as
 * `edge-serve/testing` does, knows the source files behind them. The registry belongs to the process, because `connect` and
 * `serve` are imported from different entry points.
 */

/** Replaces the positions that it knows in a text; a JSON text stays one. */
export type MapPositions = (text: string) => string;

const REGISTRY: unique symbol = Symbol.for("edge-serve.stack-positions");
const registry = globalThis as { [REGISTRY]?: Set<MapPositions> };

/** Has `map` applied to all that arrives, until what it returns is called. */
export function addPositions(map: MapPositions): () => void {
  const maps = (registry[REGISTRY] ??= new Set());
  maps.add(map);
  return () => void maps.delete(map);
}

/** The text with the positions that are known in this process replaced; elsewhere the text itself. */
export function withSourcePositions(text: string): string {
  let mapped = text;
  for (const map of registry[REGISTRY] ?? []) mapped = map(mapped);
  return mapped;
}
