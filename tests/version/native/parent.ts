import { defineWorkflow } from "../../../src/workflow/mod.ts";
import order from "./order.ts";

export default defineWorkflow({ name: "parent" }, () => order);
