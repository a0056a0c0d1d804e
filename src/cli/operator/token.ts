import type { Io } from "../command.ts";
import { Failure } from "../failure.ts";

/** The variable that holds the token: in the operator's environment, and as a secret of the Worker. */
export const TOKEN_VARIABLE = "EDGE_SERVE_TOKEN";

/** The token, if there is one. */
export function tokenOf({ env }: Io): string | undefined {
  const token = env[TOKEN_VARIABLE]?.trim();
  if (token === undefined || token === "") return undefined;
  if (/^[\x20-\x7e]+$/.test(token)) return token;
  throw new Failure(`${TOKEN_VARIABLE} must be printable ASCII, because it is sent in an HTTP header. Choose another token.`);
}
