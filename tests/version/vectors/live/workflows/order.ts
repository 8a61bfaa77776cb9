import { defineWorkflow } from "@continuum/continuum/workflow";
import { db } from "../db.ts";

export default defineWorkflow({ name: "order" }, async (ctx, order) => {
  return db;
});
