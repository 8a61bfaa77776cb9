/** A workflow with a dynamic import, which only the loader answers within microtasks. */
import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "lazy" }, async () => (await import("./dep.ts")).answer);
