/**
 * The same workflow as another version.
 *
 * @module
 */

import { defineWorkflow } from "@continuum/continuum/workflow";
import { body } from "./preflight_workflow.ts";

export default defineWorkflow({ name: "preflight", version: "edited" }, body);
