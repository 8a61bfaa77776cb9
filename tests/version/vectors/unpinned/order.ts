import { defineWorkflow } from "@continuum/continuum/workflow";
import chalk from "npm:chalk@^5";
import x from "npm:chalk@5.3.0";
import y from "jsr:@std/assert";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return 1;
});
