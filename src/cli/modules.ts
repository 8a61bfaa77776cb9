/**
 * The modules that the command line imports when it needs them.
 *
 * - MODULES-1: the entry `main.ts` names them at run time only. The runtime reads the graph of a module
 *   before it executes the first line, and literal imports put 700 modules and eight packages into it:
 *   `--help` waited for them, and a first start downloaded them. What must be there before (an image
 *   without a network, a frozen lock, a compiled program) has the entry `complete.ts`, whose graph
 *   holds them all.
 *
 * @module
 */

import { importAbsolute } from "../base/import_absolute.ts";
import { messageOf } from "../base/text.ts";
import type { Command } from "./command.ts";
import { CliError } from "./errors.ts";

/** What of `src/operate` every command may need. */
export interface OperateModules {
  /** Connects to a database. */
  readonly "client": typeof import("../operate/client.ts");
  /** Acts in it. */
  readonly "acts/client": typeof import("../operate/acts/client.ts");
  /** Acts by an observer. */
  readonly "acts/server": typeof import("../operate/acts/server.ts");
  /** Reads from a database. */
  readonly "readings/reader": typeof import("../operate/readings/reader.ts");
  /** Reads from an observer. */
  readonly "readings/server": typeof import("../operate/readings/server.ts");
  /** Exports runs. */
  readonly "bundles": typeof import("../operate/bundles.ts");
}

/** Imports modules when they are needed. */
export interface Modules {
  /**
   * Imports a command.
   *
   * @param path Its words: `runs list`.
   */
  command(path: string): Promise<Command>;
  /**
   * Imports a module of `src/operate`.
   *
   * @param name Its name.
   */
  operate<Name extends keyof OperateModules>(name: Name): Promise<OperateModules[Name]>;
}

/** Imports what no graph holds (MODULES-1). */
export const LATER: Modules = {
  command: async (path) => {
    const file = `./commands/${path.replaceAll(/\W/g, "_")}.ts`;
    return (await later<{ readonly command: Command }>(file)).command;
  },
  operate: (name) => later(`../operate/${name}.ts`),
};

async function later<Module>(file: string): Promise<Module> {
  const { href } = new URL(file, import.meta.url);
  try {
    return await importAbsolute(href) as Module;
  } catch (error) {
    throw new CliError(
      "NOT_LOADED",
      `Cannot load ${href}: ${messageOf(error)}`,
      "Let `deno cache jsr:@continuum/continuum/cli/complete` fetch all commands, and write them " +
        "into the lock.",
    );
  }
}
