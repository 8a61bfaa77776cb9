import { defineWorkflow } from "@continuum/continuum/workflow";
import chalk from "chalk";
import left from "npm:left@1/sub/path.js";
import { assert } from "@std/assert";
import { equal } from "@std/assert/equal";
import fs from "node:fs";
import same from "npm:chalk@5.3.0";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return 1;
});
