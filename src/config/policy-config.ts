/**
 * How a config names an autoscaling policy: a function of a module, and what it is called with.
 *
 * `autoscaling_policy` of an application and `autoscaling_config.policy` of a deployment, as in Ray Serve.
 */
import * as v from "valibot";
import { isJson } from "../api/option-issues.ts";
import { isReadableImportPath } from "./import-path.ts";
import { isRecord, type Shape } from "./shape.ts";

const FUNCTION = '"<module>:<export>", such as "src/policies.ts:share", or "<module>" for its default export';
const KWARGS = "a JSON object";

/** @internal */
export const POLICY_SHAPE: Shape = {
  foreign: new Map(),
  fields: [
    {
      yaml: "policy_function",
      option: "policyFunction",
      doc: "The module and export that hold the policy, relative to this file.",
      required: FUNCTION,
    },
    { yaml: "policy_kwargs", option: "policyKwargs", doc: "JSON; the second argument of the policy.", nullable: true },
  ],
};

/** @internal */
export const POLICY_SCHEMA = v.strictObject(
  {
    policyFunction: v.optional(v.custom<string>(isReadableImportPath, FUNCTION)),
    policyKwargs: v.optional(v.custom<Record<string, unknown>>((value) => isRecord(value) && isJson(value), KWARGS)),
  },
  "an object",
);
