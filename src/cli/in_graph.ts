/**
 * All modules of the command line, by literal imports: a graph that has this module has them all
 * (MODULES-1 of `modules.ts`).
 *
 * @module
 */

import type { Modules, OperateModules } from "./modules.ts";
import { COMMANDS } from "./registry.ts";

const OPERATE: { readonly [Name in keyof OperateModules]: () => Promise<OperateModules[Name]> } = {
  "client": () => import("../operate/client.ts"),
  "acts/client": () => import("../operate/acts/client.ts"),
  "acts/server": () => import("../operate/acts/server.ts"),
  "readings/reader": () => import("../operate/readings/reader.ts"),
  "readings/server": () => import("../operate/readings/server.ts"),
  "bundles": () => import("../operate/bundles.ts"),
};

/** Imports what the graph holds. */
export const IN_GRAPH: Modules = {
  command: async (path) => {
    const { load } = COMMANDS.find((each) => each.path === path)!;
    return (await load()).command;
  },
  operate: (name) => OPERATE[name](),
};
