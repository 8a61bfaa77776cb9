/**
 * The commands of the command line, each with its module: what `tools/gen_cli.ts` makes the catalogue
 * of, and what `complete.ts` has in its graph. The entry `main.ts` reaches neither (COMMAND-1 of
 * `command.ts`).
 *
 * To add a command: write `commands/<its words>.ts` that exports `command`, add a line here, and run
 * `tools/gen_cli.ts`.
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
  bundle: "Bundles: files that hold runs and their code",
};

/** All commands, in the order of the help. */
export const COMMANDS: readonly Entry[] = [
  {
    path: "migrate",
    summary: "Bring the schema to this release's version",
    load: () => import("./commands/migrate.ts"),
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
    path: "ask",
    summary: "Send a run a signal, and print its answer",
    load: () => import("./commands/ask.ts"),
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
    path: "pause",
    summary: "Pause runs: nothing of them is executed until they are resumed",
    load: () => import("./commands/pause.ts"),
  },
  {
    path: "resume",
    summary: "Let paused runs continue",
    load: () => import("./commands/resume.ts"),
  },
  {
    path: "result",
    summary: "Print what a run returned",
    load: () => import("./commands/result.ts"),
  },
  {
    path: "runs list",
    summary: "List runs",
    load: () => import("./commands/runs_list.ts"),
  },
  {
    path: "runs count",
    summary: "Count runs",
    load: () => import("./commands/runs_count.ts"),
  },
  {
    path: "runs show",
    summary: "Show a run: state, waits, attempts, input, outcome",
    load: () => import("./commands/runs_show.ts"),
  },
  {
    path: "runs history",
    summary: "Print a run's history",
    load: () => import("./commands/runs_history.ts"),
  },
  {
    path: "runs follow",
    summary: "Print a run's history as it grows, until the run ends",
    load: () => import("./commands/runs_follow.ts"),
  },
  {
    path: "runs generations",
    summary: "List the generations of a run",
    load: () => import("./commands/runs_generations.ts"),
  },
  {
    path: "runs trace",
    summary: "Trace a run: its effects, and the lines that requested them",
    load: () => import("./commands/runs_trace.ts"),
  },
  {
    path: "runs where",
    summary: "Show the line at which a run waits",
    load: () => import("./commands/runs_where.ts"),
  },
  {
    path: "runs tree",
    summary: "Show the parents, children and forks of a run",
    load: () => import("./commands/runs_tree.ts"),
  },
  {
    path: "runs diff",
    summary: "Compare two runs, and the code of their versions",
    load: () => import("./commands/runs_diff.ts"),
  },
  {
    path: "runs retry",
    summary: "Let nodes execute parked runs again",
    load: () => import("./commands/runs_retry.ts"),
  },
  {
    path: "runs reopen",
    summary: "Take up a failed run again, on code that replays its history",
    load: () => import("./commands/runs_reopen.ts"),
  },
  {
    path: "runs delete",
    summary: "Remove ended runs with all that belongs to them",
    load: () => import("./commands/runs_delete.ts"),
  },
  {
    path: "runs upgrade",
    summary: "Move many runs to another version, each after a proof",
    load: () => import("./commands/runs_upgrade.ts"),
  },
  {
    path: "runs jobs",
    summary: "List changes of many runs, and which can be continued",
    load: () => import("./commands/runs_jobs.ts"),
  },
  {
    path: "runs export",
    summary: "Write runs and their code into one file, a bundle",
    load: () => import("./commands/runs_export.ts"),
  },
  {
    path: "replay",
    summary: "Replay a run of a bundle, without a database",
    load: () => import("./commands/replay.ts"),
  },
  {
    path: "bundle show",
    summary: "Show what a bundle holds, and whether it is sound",
    load: () => import("./commands/bundle_show.ts"),
  },
  {
    path: "versions list",
    summary: "List versions",
    load: () => import("./commands/versions_list.ts"),
  },
  {
    path: "versions show",
    summary: "Show a version: its modules and packages",
    load: () => import("./commands/versions_show.ts"),
  },
  {
    path: "versions source",
    summary: "Print the source of a version",
    load: () => import("./commands/versions_source.ts"),
  },
  {
    path: "versions where-used",
    summary: "Say which runs and schedules need a version",
    load: () => import("./commands/versions_where_used.ts"),
  },
  {
    path: "versions check",
    summary: "Check that all that runs and schedules need can be executed",
    load: () => import("./commands/versions_check.ts"),
  },
  {
    path: "versions replay",
    summary: "Replay live histories on code before it is deployed",
    load: () => import("./commands/versions_replay.ts"),
  },
  {
    path: "versions diff",
    summary: "Compare the code of two versions",
    load: () => import("./commands/versions_diff.ts"),
  },
  {
    path: "versions hash",
    summary: "Print the version that a module has now",
    load: () => import("./commands/versions_hash.ts"),
  },
  {
    path: "versions sign",
    summary: "Sign versions: of modules, without a database, or of the registry",
    load: () => import("./commands/versions_sign.ts"),
  },
  {
    path: "versions add-signatures",
    summary: "Add signatures to the registry",
    load: () => import("./commands/versions_add_signatures.ts"),
  },
  {
    path: "versions new-key",
    summary: "Make a key that signs versions",
    load: () => import("./commands/versions_new_key.ts"),
  },
  {
    path: "runs fork",
    summary: "Start a run from a part of another run's history",
    load: () => import("./commands/runs_fork.ts"),
  },
  {
    path: "versions patches",
    summary: "List calls of patched, and the runs that need each",
    load: () => import("./commands/versions_patches.ts"),
  },
  {
    path: "versions gc",
    summary: "Remove versions that nothing needs any more",
    load: () => import("./commands/versions_gc.ts"),
  },
  {
    path: "versions deny",
    summary: "Stop a version, or a module, on all nodes",
    load: () => import("./commands/versions_deny.ts"),
  },
  {
    path: "versions allow",
    summary: "Take a denial back",
    load: () => import("./commands/versions_allow.ts"),
  },
  {
    path: "versions activate",
    summary: "Let new runs take a version",
    load: () => import("./commands/versions_activate.ts"),
  },
  {
    path: "schedules list",
    summary: "List schedules",
    load: () => import("./commands/schedules_list.ts"),
  },
  {
    path: "schedules show",
    summary: "Show a schedule, and its last runs",
    load: () => import("./commands/schedules_show.ts"),
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
    path: "queues",
    summary: "List the queues of activities",
    load: () => import("./commands/queues.ts"),
  },
  {
    path: "nodes",
    summary: "List the nodes that are alive",
    load: () => import("./commands/nodes.ts"),
  },
  {
    path: "health",
    summary: "Report what an operator should look at",
    load: () => import("./commands/health.ts"),
  },
  {
    path: "health acknowledge",
    summary: "Mark findings as known",
    load: () => import("./commands/health_acknowledge.ts"),
  },
  {
    path: "prune",
    summary: "Remove old runs, or old entries of the audit",
    load: () => import("./commands/prune.ts"),
  },
  {
    path: "repair",
    summary: "Repair what health finds",
    load: () => import("./commands/repair.ts"),
  },
  {
    path: "audit",
    summary: "List what operators did, when and why",
    load: () => import("./commands/audit.ts"),
  },
  {
    path: "observer",
    summary: "Open pages on which to look at runs, on this machine",
    load: () => import("./commands/observer.ts"),
  },
  {
    path: "completion",
    summary: "Print a script that completes commands in a shell",
    load: () => import("./commands/completion.ts"),
  },
];
