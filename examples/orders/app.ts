import * as serve from "edge-serve";
import { Orders } from "./orders.ts";
import { Pricing } from "./pricing.ts";

const pricing = serve.deployment(Pricing).bind();
export const app = serve.deployment(Orders, { tasks: { maxAttempts: 5 } }).bind(pricing);
