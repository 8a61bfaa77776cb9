/** A workflow that tests import themselves. */
import { defineWorkflow } from "@continuum/continuum/workflow";
import { answer } from "./dep.ts";

export default defineWorkflow({ name: "native" }, () => answer);
