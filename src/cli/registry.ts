/**
 * The commands of the command line. Each is imported only when it runs or its help is printed
 * (COMMAND-1 of `command.ts`).
 *
 * To add one: write `commands/<name>.ts` that exports `command`, and add a line here.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** A command, before it is imported. */
export interface Entry {
  /** Its words: `runs list`. */
  readonly path: string;
  /** What it does, for the list of commands. */
  readonly summary: string;
  /** Imports it. */
  load(): Promise<{ readonly command: Command }>;
}

/** Groups of commands, and what each is about. */
export const GROUPS: Readonly<Record<string, string>> = {
  runs: "Find runs, and look into them",
  versions: "Registered versions of workflows, and their code",
  schedules: "Schedules that start runs",
};

/** All commands, in the order of the help. */
export const COMMANDS: readonly Entry[] = [
  {
    path: "migrate",
    summary: "Bring the schema to this release's version",
    load: () => import("./commands/migrate.ts"),
  },
  {
    path: "runs count",
    summary: "Count runs",
    load: () => import("./commands/runs_count.ts"),
  },
];
