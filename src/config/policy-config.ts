/**
 * How a config names an autoscaling policy: a function of a module, and what it is called with.
 *
 * `autoscaling_policy` of an application and `autoscaling_config.policy` of a deployment, as in Ray Serve.
 */
import * as v from "valibot";
import { group, option, type TableOf } from "../api/option-table.ts";
import { isJson } from "../api/option-values.ts";
import type { PolicyRef } from "../protocol/manifest.ts";
import { isRecord } from "../protocol/own.ts";
import { isReadableImportPath } from "./import-path.ts";

const FUNCTION = '"<module>:<export>", such as "src/policies.ts:share", or "<module>" for its default export';
const KWARGS = "a JSON object";

/** @internal */
export const POLICY_OPTIONS = {
  /** The module and export that hold the policy, relative to this file. */
  policyFunction: option(v.custom<string>(isReadableImportPath, FUNCTION), { required: true }),
  /** JSON; the second argument of the policy. */
  policyKwargs: option(
    v.custom<Readonly<Record<string, unknown>>>((value) => isRecord(value) && isJson(value), KWARGS),
    { nullable: true },
  ),
} satisfies TableOf<PolicyRef>;

/** @internal An option that names a policy. */
export const policyOption = group<PolicyRef>(POLICY_OPTIONS, { nullable: true });
