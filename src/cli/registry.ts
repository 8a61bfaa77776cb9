/**
 * The commands of the command line. Each is imported only when it runs or its help is printed
 * (COMMAND-1 of `command.ts`).
 *
 * To add one: write `commands/<name>.ts` that exports `command`, and add a line here.
 *
 * @module
 */

import type { Entry } from "./command.ts";

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
  {
    path: "worker",
    summary: "Execute runs: a node without a main program",
    load: () => import("./commands/worker.ts"),
  },
  {
    path: "start",
    summary: "Start a run",
    load: () => import("./commands/start.ts"),
  },
  {
    path: "signal",
    summary: "Send a run a signal",
    load: () => import("./commands/signal.ts"),
  },
  {
    path: "cancel",
    summary: "Request the cancellation of runs",
    load: () => import("./commands/cancel.ts"),
  },
  {
    path: "terminate",
    summary: "End runs at once, without clean-up",
    load: () => import("./commands/terminate.ts"),
  },
  {
    path: "result",
    summary: "Print what a run returned",
    load: () => import("./commands/result.ts"),
  },
  {
    path: "runs retry",
    summary: "Let nodes execute parked runs again",
    load: () => import("./commands/runs_retry.ts"),
  },
  {
    path: "versions activate",
    summary: "Let new runs take a version",
    load: () => import("./commands/versions_activate.ts"),
  },
  {
    path: "schedules pause",
    summary: "Stop the firings of a schedule",
    load: () => import("./commands/schedules_pause.ts"),
  },
  {
    path: "schedules resume",
    summary: "Let a schedule fire again",
    load: () => import("./commands/schedules_resume.ts"),
  },
  {
    path: "schedules trigger",
    summary: "Start a run of a schedule now",
    load: () => import("./commands/schedules_trigger.ts"),
  },
  {
    path: "schedules delete",
    summary: "Remove a schedule",
    load: () => import("./commands/schedules_delete.ts"),
  },
  {
    path: "prune",
    summary: "Remove old runs",
    load: () => import("./commands/prune.ts"),
  },
  {
    path: "completion",
    summary: "Print a script that completes commands in a shell",
    load: () => import("./commands/completion.ts"),
  },
];
