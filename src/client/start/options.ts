/**
 * The options of a start. They are checked before the first query to the database.
 *
 * @module
 */

import {
  checkChoice,
  checkDate,
  checkKeys,
  checkOptions,
  checkText,
  MAX_NAME,
  refuse,
} from "../../base/arguments.ts";
import { type AttributesPatch, readAttributes } from "../../base/attributes.ts";
import { type Duration, durationMs } from "../../base/duration.ts";
import type { StartPlace } from "../../version/contracts.ts";
import { readLimitKey, readLimitPriority } from "../../workflow/limit.ts";
import type { Serializable } from "../../workflow/serializable.ts";
import { readGivenId } from "../../workflow/run_id.ts";
import {
  readRunPolicy,
  type RunPolicy,
  type RunTermsOptions,
  TERMS_KEYS,
} from "../../workflow/run_policy.ts";
import { readSending } from "../run/asking.ts";
import type { SignalInput, SignalName, SignalSchemas } from "../../workflow/signal_types.ts";

/**
 * The arguments of a start after the workflow: an input that may be `undefined` may be omitted, and
 * one that can't be encoded does not compile.
 *
 * @category Runs
 */
export type StartArguments<Input, Options> = undefined extends Input
  ? [input?: Serializable<Input>, options?: Options]
  : [input: Serializable<Input>, options?: Options];

/**
 * What a start does if a run with its id exists. In every case that is not listed, it throws
 * {@linkcode RunExistsError}:
 *
 * - `"error"`: always throw.
 * - `"use"`: return its handle, if it has the same workflow and has not ended.
 * - `"useEnded"`: return its handle, if it has the same workflow, even if it has ended, in whatever
 *   state.
 * - `"replaceEnded"`: if it has ended, start a new run under its id, whatever workflow the old one
 *   had.
 * - `"terminate"`: as `"replaceEnded"`, but terminate a run that has not ended first.
 *
 * A run whose id is taken over is kept as `<id>>was.<n>`. If two calls start the same id at once,
 * one comes first, and the other finds the run that the first left. A child keeps its id if it has
 * not ended, or if its parent may request it again.
 *
 * @category Runs
 */
export type IfExists = "error" | "use" | "useEnded" | "replaceEnded" | "terminate";

/** What a start may do if a run with its id exists. */
export const IF_EXISTS: readonly IfExists[] = [
  "error",
  "use",
  "useEnded",
  "replaceEnded",
  "terminate",
];

/**
 * Options of {@linkcode Continuum.start}. `timeout`, `retry` and `versioning` override those of the workflow's
 * definition.
 *
 * @category Runs
 */
export interface StartOptions<Signals extends SignalSchemas = SignalSchemas>
  extends RunTermsOptions {
  /**
   * The run's id: 1 to 255 characters. It may not end like the ids that the engine makes for
   * children and for runs of schedules (`>3.k9x2ab`, `>2026-03-29T01:00:00.000Z`). An id that
   * continues after such an ending is accepted, such as `${ctx.runId}-payment`.
   *
   * @default {a new UUID}
   */
  readonly runId?: string;
  /**
   * What the start does if a run with that id exists.
   *
   * @default {"error"}
   */
  readonly ifExists?: IfExists;
  /**
   * One live run of the workflow for each key, of 1 to 200 characters, in one namespace: if the run of
   * that key has not ended, the start returns its handle, and otherwise starts a new run. In place of
   * `runId` and `ifExists`; the run's id is `<workflow>/<key>`.
   *
   * ```ts ignore
   * await continuum.start("sync", { tenant }, { singleton: tenant }); // while it syncs, once more is nothing
   * ```
   */
  readonly singleton?: string;
  /**
   * The idempotency key, 1 to 255 characters. Starts of one workflow with the same key and input,
   * in one namespace, start one run. The key is kept for as long as the run. Inputs are the same if
   * their encoded texts are equal.
   */
  readonly idempotencyKey?: string;
  /**
   * The run's namespace: 1 to 255 characters.
   *
   * @default {that of this instance}
   */
  readonly namespace?: string;
  /**
   * The hash of the version that the run is pinned to, in place of the workflow's current version:
   * a registered version of the workflow that is started.
   */
  readonly version?: string;
  /** Search attributes, by which `runs.query` finds the run. */
  readonly attributes?: AttributesPatch;
  /** When the run starts, by the database's clock. A time in the past means at once. */
  readonly startAt?: Date;
  /** How long from now the run starts, in place of `startAt`. */
  readonly delay?: Duration;
  /**
   * A signal that is in the run's inbox from the beginning: it is written in the same transaction
   * as the run. If an existing run is used, the signal is sent as by `handle.signal`. If the
   * idempotency key shows that this start is a repetition, no signal is sent.
   */
  readonly signal?: StartSignal<Signals>;
  /**
   * What the start says of the run's place in the queue of its workflow's `limit`, in place of the
   * functions of the definition. Ignored if the workflow has no limit.
   */
  readonly limit?: {
    /** The key that the run counts for: up to 255 characters. */
    readonly key?: string;
    /** A whole number from -1,000,000 to 1,000,000: runs with a higher one are admitted first. */
    readonly priority?: number;
  };
  /**
   * A transaction that the caller has opened on their own connection to the same database, of
   * postgres.js (`sql.begin`), `pg` (a client after `begin`) or PGlite, or anything with
   * `query(text, values)`: the run exists if the transaction commits, and never existed if it rolls
   * back. Nodes are notified at the commit, by a `NOTIFY` in that transaction.
   */
  readonly transaction?: unknown;
}

/**
 * The first signal of a run: one that its workflow declares.
 *
 * @category Runs
 */
export type StartSignal<Signals extends SignalSchemas = SignalSchemas> = {
  readonly [Name in SignalName<Signals>]:
    & {
      /** Its name. */
      readonly name: Name;
      /** Deliveries of the same signal to the same run with the same id count once. */
      readonly deliveryId?: string;
      /** Makes an ask of it, in place of `deliveryId`: `handle.answer(askId)` returns the answer. */
      readonly askId?: string;
    }
    & (undefined extends SignalInput<Signals, Name> ? {
        /** Its payload; `undefined` when omitted. */
        readonly payload?: SignalInput<Signals, Name>;
      }
      : {
        /** Its payload. */
        readonly payload: SignalInput<Signals, Name>;
      });
}[SignalName<Signals>];

/**
 * A run of {@linkcode Continuum.startMany}: its input, and the options that differ.
 *
 * @category Runs
 */
export interface StartManyItem<Input = unknown, Signals extends SignalSchemas = SignalSchemas>
  extends
    Pick<
      StartOptions<Signals>,
      | "runId"
      | "singleton"
      | "idempotencyKey"
      | "attributes"
      | "startAt"
      | "delay"
      | "signal"
      | "limit"
      | "timeout"
      | "retry"
      | "versioning"
      | "headers"
    > {
  /** The workflow's input. */
  readonly input: Input;
}

/**
 * Options of {@linkcode Continuum.startMany}, for all of its runs.
 *
 * @category Runs
 */
export type StartManyOptions = Pick<
  StartOptions,
  | "ifExists"
  | "namespace"
  | "version"
  | "attributes"
  | "startAt"
  | "delay"
  | "transaction"
  | "limit"
  | "timeout"
  | "retry"
  | "versioning"
  | "headers"
>;

/** The checked options of a start. */
export interface ReadStart {
  /** The run's id; a new one when undefined. */
  readonly runId: string | undefined;
  /** What the start does if another run has the id. */
  readonly ifExists: IfExists;
  /** The key of which there is one live run; `undefined`: it is no such start. */
  readonly singleton: string | undefined;
  /** The idempotency key. */
  readonly key: string | undefined;
  /** The namespace; the instance's own when undefined. */
  readonly namespace: string | undefined;
  /** The hash of the version; the workflow's current version when undefined. */
  readonly version: string | undefined;
  /** Search attributes: a JSON object. */
  readonly attributes: string | undefined;
  /** When it starts, in milliseconds since the epoch. */
  readonly startAt: number | undefined;
  /** Milliseconds until it starts. */
  readonly delayMs: number | undefined;
  /** Its first signal. */
  readonly signal: StartSignal | undefined;
  /** What it says of the run's place; the version's code says the rest. */
  readonly place: StartPlace;
  /** The run's timeout and retry policy. */
  readonly policy: RunPolicy;
  /** The caller's transaction. */
  readonly transaction: unknown;
}

/** The longest key of a singleton, in characters. */
const MAX_SINGLETON = 200;

const START_KEYS = [
  "runId",
  "ifExists",
  "singleton",
  "idempotencyKey",
  "namespace",
  "version",
  "attributes",
  "startAt",
  "delay",
  "signal",
  "limit",
  "transaction",
  ...TERMS_KEYS,
];
const ITEM_KEYS = [
  "input",
  "runId",
  "singleton",
  "idempotencyKey",
  "attributes",
  "startAt",
  "delay",
  "signal",
  "limit",
  ...TERMS_KEYS,
];
const MANY_KEYS = [
  "ifExists",
  "namespace",
  "version",
  "attributes",
  "startAt",
  "delay",
  "limit",
  "transaction",
  ...TERMS_KEYS,
];

/**
 * Reads the options of a start.
 *
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of
 * range.
 */
export function readStartOptions(options: StartOptions): ReadStart {
  checkOptions(options, START_KEYS, "start()");
  return readStart(options, "start()");
}

/**
 * Reads the options that all runs of a `startMany` share.
 *
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of
 * range.
 */
export function readManyOptions(options: StartManyOptions): ReadStart {
  checkOptions(options, MANY_KEYS, "startMany()");
  return readStart(options, "startMany()");
}

/**
 * Reads one run of a `startMany`.
 *
 * @param item What was passed.
 * @param index Its index, for messages.
 * @param shared Options of all runs; the item's options override them.
 * @throws {InvalidArgumentError} If a key is unknown, or a value has a wrong type or is out of
 * range.
 */
export function readItem(item: StartManyItem, index: number, shared: ReadStart): ReadStart {
  const what = `item ${index} of startMany()`;
  checkOptions(item, ITEM_KEYS, what);
  if (!("input" in item)) {
    refuse(`option input of ${what}`, undefined, "an input, which may be undefined");
  }
  const own = readStart(item, what);
  const isTimed = own.startAt !== undefined || own.delayMs !== undefined;
  return {
    ...shared,
    runId: own.runId,
    singleton: own.singleton,
    key: own.key,
    signal: own.signal,
    attributes: merge(shared.attributes, own.attributes),
    policy: { ...shared.policy, ...own.policy },
    place: { ...shared.place, ...own.place },
    ...(isTimed ? { startAt: own.startAt, delayMs: own.delayMs } : {}),
  };
}

function readStart(options: StartOptions, what: string): ReadStart {
  const { runId, ifExists = "error", idempotencyKey: key, namespace, startAt, delay } = options;
  if (runId !== undefined) readGivenId(runId, "a run id");
  if (key !== undefined) checkText(key, `option idempotencyKey of ${what}`);
  if (namespace !== undefined) checkText(namespace, `option namespace of ${what}`);
  checkChoice(ifExists, `option ifExists of ${what}`, IF_EXISTS);
  if (startAt !== undefined) checkDate(startAt, `option startAt of ${what}`);
  if (startAt !== undefined && delay !== undefined) {
    refuse(`option delay of ${what}`, delay, "either startAt or delay");
  }
  const { attributes, signal, transaction, version, singleton } = options;
  if (singleton !== undefined) {
    readGivenId(singleton, `option singleton of ${what}`, MAX_SINGLETON);
    if (runId !== undefined || options.ifExists !== undefined) {
      const other = runId === undefined ? "ifExists" : "runId";
      refuse(`option ${other} of ${what}`, options[other], "nothing beside the option singleton");
    }
    if (transaction !== undefined) {
      const wanted = "nothing in a transaction of the caller, which would lock the other run";
      refuse(`option singleton of ${what}`, singleton, wanted);
    }
  }
  if (version !== undefined) checkText(version, `option version of ${what}`);
  if (signal !== undefined) checkSignal(signal, what);
  if (transaction !== undefined && signal !== undefined && ifExists.startsWith("use")) {
    refuse(
      `option ifExists of ${what}`,
      ifExists,
      '"error", since the run starts in a transaction and with a signal',
    );
  }
  if (transaction !== undefined && (ifExists === "replaceEnded" || ifExists === "terminate")) {
    refuse(
      `option ifExists of ${what}`,
      ifExists,
      '"error", "use" or "useEnded": a transaction of the caller would lock the other run',
    );
  }
  return {
    runId,
    ifExists,
    singleton,
    key,
    namespace,
    version,
    attributes: attributes === undefined ? undefined : readAttributes(attributes, what).set,
    startAt: startAt?.getTime(),
    delayMs: delay === undefined ? undefined : durationMs(delay, `delay of ${what}`),
    signal,
    policy: readRunPolicy(options, what),
    place: readPlace(options.limit, what),
    transaction,
  };
}

function readPlace(limit: StartOptions["limit"], what: string): StartPlace {
  if (limit === undefined) return {};
  checkKeys(limit, ["key", "priority"], `option limit of ${what}`);
  const { key, priority } = limit;
  return {
    ...(key === undefined ? {} : { key: readLimitKey(key, `option limit.key of ${what}`) }),
    ...(priority === undefined
      ? {}
      : { priority: readLimitPriority(priority, `option limit.priority of ${what}`) }),
  };
}

function checkSignal(signal: StartSignal, what: string): void {
  checkKeys(signal, ["name", "payload", "deliveryId", "askId"], `option signal of ${what}`);
  checkText(signal.name, `option signal.name of ${what}`, MAX_NAME);
  readSending(signal, (option) => `option signal.${option} of ${what}`);
}

function merge(shared: string | undefined, own: string | undefined): string | undefined {
  if (shared === undefined || own === undefined) return own ?? shared;
  return JSON.stringify({ ...JSON.parse(shared), ...JSON.parse(own) });
}
