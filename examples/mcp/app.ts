import * as serve from "edge-serve";
import { Gate } from "./gate.ts";
import { Session } from "./session.ts";

const sessions = serve.deployment(Session, { keyed: true }).bind();
// It only looks at headers and passes requests on, so it runs in the Worker itself.
export const app = serve.deployment(Gate, { placement: "inline" }).bind(sessions);
