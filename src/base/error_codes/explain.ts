/**
 * What each code means, and what to do. `tools/gen_errors.ts` makes `docs/errors.md` of it. A code
 * without a meaning or a remedy does not compile.
 *
 * @module
 */

import type { ErrorCode } from "./details.ts";

/** What a code means, and what to do. */
export interface Explanation {
  /** The condition. */
  readonly meaning: string;
  /** What the reader can do. */
  readonly remedy: string;
}

const LATER = "Call again later.";
const FIX_FILE = "Correct the file that the message names.";

/** By code; within a group in the order in which they are shown. */
export const EXPLANATIONS: Readonly<Record<ErrorCode, Explanation>> = {
  INVALID_ARGUMENT: {
    meaning: "An argument or an option has a value that the call does not take.",
    remedy: "Pass what the message wants.",
  },
  INVALID_CURSOR: {
    meaning: "A cursor is not valid, or belongs to another query.",
    remedy: "Pass the cursor of a page of the same query, or start from the first page.",
  },
  DATABASE_OPTION: {
    meaning: "The option `database` or `schema` is not valid.",
    remedy: "Pass a URL, an adapter or a schema name as the message wants.",
  },
  UNSTORABLE_TEXT: {
    meaning: "A text contains a NUL character or a lone surrogate, which Postgres does not store.",
    remedy: "Remove them from the text, or pass bytes.",
  },
  INVALID_INPUT: {
    meaning: "The input does not match the schema of the workflow's version.",
    remedy: "Correct what `details.issues` lists.",
  },
  INVALID_SIGNAL_PAYLOAD: {
    meaning: "The payload of a signal does not match the schema of the run's version.",
    remedy: "Correct what `details.issues` lists.",
  },
  UNDECLARED_SIGNAL: {
    meaning: "The version of the workflow declares its signals, and this one is not among them.",
    remedy: "Use a name of `details.declared`, or declare the signal in a new version.",
  },
  INVALID_ANSWER: {
    meaning: "What the handler of an ask returned does not match the schema of the answer.",
    remedy: "Correct the handler, or the schema, in a new version of the workflow.",
  },
  SCHEMA_FAILED: {
    meaning: "A schema threw, or returned neither a value nor issues.",
    remedy: "Correct the schema, which is part of the version.",
  },
  NOT_SERIALIZABLE: {
    meaning: "A value has a part that the journal can't hold, such as a function.",
    remedy: "Remove or convert the part at `details.path`.",
  },
  PAYLOAD_TOO_LARGE: {
    meaning: "A value is larger than `limits.payloadBytes`.",
    remedy: "Store the bulk elsewhere and pass a reference to it, or raise the limit.",
  },
  CORRUPT_VALUE: {
    meaning: "A stored text is not in the format of this package.",
    remedy: "Find what changed the database's rows, and restore them.",
  },
  VALUE_NOT_ENCODED: {
    meaning: "The payload codec failed to encode a value. Nothing was written.",
    remedy: "Read `details.why`. Nodes try again by themselves; a client's call may be repeated.",
  },
  VALUE_NOT_DECODED: {
    meaning:
      "A stored value is encoded, and this process has no codec, lacks its key, or the codec failed.",
    remedy:
      "Give the process the codec with the key that `details.key` names. Its runs wait until then.",
  },
  CLOSED: {
    meaning: "The `Continuum` is closed.",
    remedy: "Use one that is open. What was called before the end may have been done.",
  },
  WORKFLOW_ERROR: {
    meaning: "Workflow or activity code reports a failure on purpose.",
    remedy: "Read the message, which the workflow's author wrote.",
  },
  NON_RETRYABLE: {
    meaning: "Code reports a failure that no retry can fix.",
    remedy: "Remove the cause, and start a new run.",
  },
  RETRY_AFTER: {
    meaning: "Code reports a failure, and when its next attempt is to begin.",
    remedy: "The engine tries again then, while the policy has attempts left.",
  },
  ACTIVITY_FAILED: {
    meaning: "An activity failed permanently: no attempt is left, or a retry can't help.",
    remedy: "Read `cause` and `attempts`; handle it in the workflow, or compensate.",
  },
  ATTEMPT_LOST: {
    meaning:
      "An attempt has lost its task: another one has begun, or its run does not wait for it.",
    remedy: "End the attempt. Its result is not used.",
  },
  ATTEMPT_INTERRUPTED: {
    meaning: "The node of an attempt expired or was closed. Whether it had an effect is not known.",
    remedy: "Make the activity idempotent; another attempt follows if the retry policy allows one.",
  },
  TASK_NOT_FOUND: {
    meaning: "A token belongs to no attempt that is under way.",
    remedy: "Ignore the late answer: the attempt was completed or retried, or its run has ended.",
  },
  TIMEOUT: {
    meaning: "A wait or an attempt took longer than allowed.",
    remedy: "Handle the timeout, pass `otherwise`, or allow more time.",
  },
  RUN_TIMEOUT: {
    meaning: "A run did not end within its timeout.",
    remedy: "Allow more time, or find in its history what took so long.",
  },
  CANCELLED: {
    meaning: "The run was asked to cancel.",
    remedy: "Clean up in `finally`, and let the error pass.",
  },
  COMPENSATION_FAILED: {
    meaning: "Compensations of a saga failed permanently.",
    remedy: "Undo by hand what `details.failures` lists.",
  },
  CHILD_FAILED: {
    meaning: "A child run did not complete.",
    remedy: "Read `details.state` and `cause`, and handle it in the parent.",
  },
  CHILD_NOT_STARTED: {
    meaning: "Another run has the id of a child, or the chain of parents is too long.",
    remedy: "Use another id, or shorten the chain.",
  },
  NONDETERMINISTIC_CALL: {
    meaning: "Workflow code called a function whose result a replay can't repeat.",
    remedy: "Use `details.instead`, or call the function in a step or an activity.",
  },
  CONTEXT_MISUSED: {
    meaning: "A run's context was used after its end, in a step or in another run.",
    remedy: "Use `ctx` in the code of its own run, outside of steps.",
  },
  RUN_NOT_FOUND: {
    meaning: "No run of the namespace has that id.",
    remedy: "Check the id and the namespace; retention may have removed the run.",
  },
  RUN_OF_OTHER_WORKFLOW: {
    meaning: "The run is one of another workflow than the handle was made for.",
    remedy: "Check the id, or make the handle with the workflow `details.found`.",
  },
  GENERATION_NOT_FOUND: {
    meaning: "The run has no such generation, or retention has removed it.",
    remedy: "Use a number from `details.first` to `details.last`.",
  },
  RUN_EXISTS: {
    meaning: "Another run has the id of a start.",
    remedy: "Use another id, or say with `ifExists` what is to happen.",
  },
  IDEMPOTENCY_CONFLICT: {
    meaning: "The idempotency key was used for a start with another input.",
    remedy: "Use another key, or the run `details.runId`.",
  },
  RUN_ENDED: {
    meaning: "The run has ended, so the call does not apply.",
    remedy: "Read its result or status, or start a new run.",
  },
  RUN_STATE: {
    meaning: "The run is in a state to which the call does not apply.",
    remedy: "Make the call that its state allows, or call again in a state that the message names.",
  },
  RUN_AWAITED: {
    meaning: "The run has ended, but its parent may request it again.",
    remedy: "Delete it when its parent has ended, or delete the parent first.",
  },
  QUEUE_NOT_FOUND: {
    meaning: "No run of a queue with that name was started in this namespace.",
    remedy: "Choose one of `limits.list()`.",
  },
  JOB_NOT_FOUND: {
    meaning: "No job has that id, or it ended more than 30 days ago.",
    remedy: "Choose one of `runs.jobs()`, or begin a new change.",
  },
  JOB_HELD: {
    meaning: "Another process drives the job, or has driven it until less than a minute ago.",
    remedy: "Let that process finish. If it has died, wait until the time in `until`.",
  },
  NO_NODE_CAN_LOAD: {
    meaning: "Each live node has failed to load the version, so its runs would not be executed.",
    remedy: "Remove what `reasons` names, or choose another version.",
  },
  RUN_END_REPORTED: {
    meaning: "The run can't be reopened, because its parent has received its failure.",
    remedy: "Fork the run, or fork its parent before that event.",
  },
  RUN_FAILED: {
    meaning: "The workflow's function threw.",
    remedy: "Read `cause`, the recorded error.",
  },
  RUN_CANCELLED: { meaning: "The run was cancelled.", remedy: "Read `cause` for the reason." },
  RUN_TERMINATED: { meaning: "The run was terminated.", remedy: "Read `cause` for the reason." },
  ASK_FAILED: {
    meaning: "The handler of an ask threw, or what it returned can't be the answer.",
    remedy: "Read `cause`. The run continues, and may be asked again.",
  },
  ASK_UNANSWERED: {
    meaning: "The run ended, continued as new or was retried, and had not answered the ask.",
    remedy: "Ask again if the run has not ended. A run answers all asks that it awaits by " +
      "`ctx.handlersDone()` before it returns.",
  },
  ASK_NOT_FOUND: {
    meaning: "The run has received no ask with that id, or retention has removed the answer.",
    remedy: "Pass the id that the ask was sent with.",
  },
  NOT_PUBLISHED: {
    meaning: "The run has ended, and has published no value of that name.",
    remedy: "Pass a name that its workflow publishes by `ctx.publish`; `run.values()` lists them.",
  },
  QUERY_FAILED: {
    meaning:
      "The function of a query threw, returned what can't be an answer, or the code does not " +
      "replay the run's history.",
    remedy:
      "Read `cause` and the message. Correct the function in a new version, and upgrade the run.",
  },
  UNKNOWN_QUERY: {
    meaning: "The code of the run has no query of that name where it waits or has ended.",
    remedy: "Use a name of `details.queries`, or add the query by `ctx.onQuery` in a new version.",
  },
  SCHEDULE_EXISTS: {
    meaning: "A schedule with that id exists.",
    remedy: "Use another id, or `ifExists`.",
  },
  SCHEDULE_NOT_FOUND: {
    meaning: "No schedule of the namespace has that id.",
    remedy: "Check the id and the namespace.",
  },
  SCHEDULE_STATE: {
    meaning: "The schedule is in a state to which the call does not apply.",
    remedy: "Pause or resume it first, or create a new one.",
  },
  DATABASE_UNAVAILABLE: {
    meaning: "The database can't be reached, or could not do now what it was asked.",
    remedy: "Call again later. If `details.mayBeWritten`, repeat the call with the same key or id.",
  },
  QUERY_TIMEOUT: {
    meaning: "The server looked at rows for longer than `timeout` allows.",
    remedy: "Ask for less: a state, a workflow, a version, an id's prefix or a time of creation. " +
      "A comparison of attributes other than equality reads each run.",
  },
  DATABASE_IN_USE: {
    meaning: "Another open engine holds the folder of a PGlite database.",
    remedy: "Close it, or use a `postgres://` URL to share a database.",
  },
  DATABASE_UNSUITABLE: {
    meaning: "A setting of the server, the database or the role is not as the engine needs it.",
    remedy: "Change `details.setting` to what the message wants.",
  },
  SCHEMA_TOO_NEW: {
    meaning: "A newer engine has migrated the schema.",
    remedy: "Upgrade this engine.",
  },
  SCHEMA_TOO_OLD: {
    meaning: "The schema lacks migrations of this release, and this process may not apply them.",
    remedy: "Drain nodes of older releases; then open a node of this release, or connect with " +
      '`migrate: "apply"`.',
  },
  MIGRATION_CHANGED: {
    meaning: "The schema was migrated with another text of a migration.",
    remedy: "Use the engine's release that made the schema, or a new schema.",
  },
  NESTED_QUERY: {
    meaning: "A transaction's callback called the database outside of its transaction.",
    remedy: "Query on the transaction that the callback receives.",
  },
  TRANSACTION_OVER: {
    meaning: "The caller's transaction in which runs were to be started has ended.",
    remedy: "Open a new transaction, and start the runs in it. Nothing was written.",
  },
  VERSION_NOT_REGISTERED: {
    meaning: "A run or a schedule refers to a version that the registry does not hold, or whose " +
      "bytes `versions.gc()` removed.",
    remedy: "Open a node that lists the workflow's module.",
  },
  VERSION_NOT_FOUND: {
    meaning: "No such workflow, version or specifier is registered.",
    remedy:
      "List the module in `workflows`, check the name, or allow the specifier by `trust.start`.",
  },
  VERSION_DENIED: {
    meaning: "An operator has denied the version, or one of its modules, by `versions.deny()`.",
    remedy: "Activate or register another version; or take the denial back by `versions.allow()`.",
  },
  VERSION_UNAVAILABLE: {
    meaning: "No source has a version's code, or it can't be executed here.",
    remedy: "Read `details.reasons`, one for each source; `details.kind` says whether it may pass.",
  },
  CONFIG_INVALID: {
    meaning:
      "A `deno.json`, an import map, a lockfile or a `tsconfig.json` is not valid or readable.",
    remedy: FIX_FILE,
  },
  GRAPH_FORBIDDEN: {
    meaning: "A module graph contains a module that no version may contain.",
    remedy: "Remove the import of the application's main module, the engine or a local file.",
  },
  GRAPH_LIMIT: {
    meaning: "A module graph exceeds its limits.",
    remedy: "Import fewer or smaller modules.",
  },
  GRAPH_UNPINNED: {
    meaning: 'With `pinning: "strict"`, a graph can\'t be pinned exactly.',
    remedy: "Correct what `details.diagnostics` lists.",
  },
  MANIFEST_INVALID: {
    meaning: "A text is not a canonical manifest.",
    remedy: "Find what changed the stored manifest, and register the version again.",
  },
  MODULE_NOT_FOUND: {
    meaning: "A module does not exist.",
    remedy: "Correct the import that the message names.",
  },
  MODULE_SYNTAX: {
    meaning: "A module has a syntax error, or is not of a type that Deno runs as a module.",
    remedy: FIX_FILE,
  },
  MODULE_UNREADABLE: { meaning: "A module could not be read, and may exist.", remedy: LATER },
  FETCH_FAILED: { meaning: "A module's server can't be reached.", remedy: LATER },
  FETCH_LIMIT: {
    meaning: "A module or a graph has more bytes than allowed.",
    remedy: "Import smaller modules.",
  },
  FETCH_REDIRECTS: {
    meaning: "A module's URL redirects too often, or to where it must not.",
    remedy: "Import the final URL.",
  },
  FETCH_STATUS: {
    meaning: "A module's server answered with an error.",
    remedy: "Read `details.status`: 401 and 403 need credentials, 429 and 5xx pass.",
  },
  FETCH_TIMEOUT: { meaning: "A module's server did not answer in time.", remedy: LATER },
  PERMISSION_DENIED: {
    meaning: "This process may not read a module.",
    remedy: "Grant `--allow-read` or `--allow-net` for it.",
  },
  UNTRUSTED_MODULE: {
    meaning: "A module is outside of this node's trust.",
    remedy: "Add a pattern to `trust.modules`, if the code may run here.",
  },
  INTEGRITY_MISMATCH: {
    meaning: "Bytes, a manifest or a name differ from what was recorded.",
    remedy: "Restore the source, or start on the new version.",
  },
  NOT_ARCHIVED: {
    meaning: "The archive has no bytes of a version, because they were never archived.",
    remedy: "Make a URL of the version available, or open with `archive: true`.",
  },
  UNPINNED_IMPORT: {
    meaning: "A module has an import that the version's manifest does not list.",
    remedy: "Write the import with a literal specifier in a new version.",
  },
  EXTERNAL_UNAVAILABLE: {
    meaning: "A package or builtin that a version pins can't be imported on this node.",
    remedy: "Install the package, grant access to its registry, or let the archive keep packages " +
      "(`docs/packages.md`).",
  },
  LIVE_UNKNOWN: {
    meaning: "A version is bound to a live module that this node does not have.",
    remedy: "Add the module to the option `live`.",
  },
  LOAD_LIMIT: {
    meaning: "This process has loaded as many modules as it may; they are never freed.",
    remedy: "Restart the process.",
  },
  IMPORT_FAILED: {
    meaning: "A module threw, did not finish, exited or left a rejected promise while imported.",
    remedy: "Read `details.trouble` and `cause`; correct the module's top level.",
  },
  NO_DEFAULT_EXPORT: {
    meaning: "A workflow module has no default export.",
    remedy: "Write `export default defineWorkflow(...)`.",
  },
  NOT_A_WORKFLOW: {
    meaning: "The default export of a module is not a workflow.",
    remedy: "Write `export default defineWorkflow(...)`.",
  },
  PROTOCOL_TOO_NEW: {
    meaning: "A workflow was defined with a newer protocol than this engine's.",
    remedy: "Upgrade this engine.",
  },
  SUBPROCESS_ENDED: {
    meaning: "The subprocess of a dry-run replay ended before it answered.",
    remedy: "Read the message, which has its last output.",
  },
  SUBPROCESS_FAILED: {
    meaning: "The replay failed in its subprocess.",
    remedy: "Read the message; `details.found` is the code of the failure.",
  },
  SUBPROCESS_TIMEOUT: {
    meaning: "A dry-run replay did not end in time.",
    remedy: "Allow more time; the code may have an endless loop.",
  },
  SUBPROCESS_UNAVAILABLE: {
    meaning: "The subprocess of a dry-run replay can't be started.",
    remedy:
      "Grant `--allow-run` for Deno, and what the message names: the application's lock is read, " +
      "and a part of it written to the folder of temporary files.",
  },
  BUNDLE_FORMAT: {
    meaning: "A file is no bundle, or a part of it has a wrong form.",
    remedy: "Pass a file that `run.export()` or `continuum runs export` wrote.",
  },
  BUNDLE_TOO_NEW: {
    meaning: "A newer release wrote the bundle.",
    remedy: "Read it with that release or a later one.",
  },
  BUNDLE_CUT: {
    meaning: "The file of a bundle ends too early.",
    remedy: "Copy the file again, or export again.",
  },
  BUNDLE_CHANGED: {
    meaning: "The bytes of a bundle are not those that were exported.",
    remedy: "Copy the file again, or export again; `details.part` names what was changed.",
  },
  BUNDLE_LIMIT: {
    meaning: "The content of a bundle is larger than option `maxBytes`.",
    remedy: "Raise the limit if you trust the file, or export fewer runs.",
  },
  BUNDLE_MEMBER: {
    meaning: "The modules in a bundle are not those that its manifests list.",
    remedy: "Export again; do not trust the file.",
  },
  BUNDLE_NO_RUN: {
    meaning: "A bundle does not hold the run or the generation.",
    remedy: "Use an id of `details.runs`; `continuum bundle show` lists generations.",
  },
  BUNDLE_NO_CODE: {
    meaning: "A bundle does not hold the code of a version: it was unavailable at the export.",
    remedy: "Replay on code of your own: option `on`.",
  },
  BUNDLE_REDACTED: {
    meaning: "A redacted bundle can't be replayed: it holds no payloads.",
    remedy: "Read its timeline, or export again without `redact`.",
  },
  REPLAY_FAILED: {
    meaning: "A history does not replay on some code.",
    remedy: "Read `details.drift`; keep the old commands, or use `ctx.patched`.",
  },
  HISTORY_FORMAT: {
    meaning: "A value is not a dumped history, or of an unknown format.",
    remedy: "Pass what `dump()` or `dumpHistory()` returned.",
  },
  ENDLESS_WAIT: {
    meaning: "A test awaited a run through many due moments, and it did not end.",
    remedy: "Send the signal that it waits for, or pause the schedule.",
  },
  RUN_PARKED: {
    meaning: "A run whose result a test awaits was parked.",
    remedy: "Read `details.reason`, and correct the workflow.",
  },
};
