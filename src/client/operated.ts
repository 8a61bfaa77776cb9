/**
 * Acts of operators: what a client does for an operator is recorded, and what a program does by itself
 * is not.
 *
 * - OPERATED-1, for nothing: a client without an operator makes the same calls of the store as if
 *   there were no record.
 * - OPERATED-2, refusals too: if an act is refused for what its target is, its entry says why.
 *
 * @module
 */

import type { AuthoredLog } from "../base/authored.ts";
import { checkBoolean, checkOptions, checkText } from "../base/arguments.ts";
import { MAX_ACTOR, MAX_REASON } from "../base/operator_limits.ts";
import { messageOf } from "../base/text.ts";
import { isContinuumError } from "../base/errors.ts";
import type { ErrorCode } from "../base/error_codes/details.ts";
import type { Act, Facts, Operator, RecordedAct } from "../ports/operations.ts";
import type { DeedStore, RunStore } from "../ports/store.ts";
import type { ClientContext } from "./context.ts";

/**
 * Who acts, and why: for `continuum.asOperator()`.
 *
 * @category Continuum
 */
export interface OperatorIdentity {
  /** The name of the person or program, of 1 to 200 characters. */
  readonly name: string;
  /**
   * Whether the caller has authenticated the name. Otherwise the entries say that it is claimed.
   *
   * @default {false}
   */
  readonly proven?: boolean;
  /** Why, for people: 1 to 1,000 characters. */
  readonly reason?: string;
}

/**
 * Checks an operator's identity.
 *
 * @param identity What the caller passed.
 * @returns The operator.
 * @throws {InvalidArgumentError} If it is invalid.
 */
export function readIdentity(identity: OperatorIdentity): Operator {
  const call = "asOperator()";
  checkOptions(identity, ["name", "proven", "reason"], call);
  const { name, proven = false, reason } = identity;
  checkBoolean(proven, `option proven of ${call}`);
  return {
    actor: checkText(name, `option name of ${call}`, MAX_ACTOR),
    isProven: proven,
    reason: reason === undefined ? null : checkText(reason, `option reason of ${call}`, MAX_REASON),
  };
}

/** The stores with which a deed is done. */
export interface Deeds {
  /** The parts of the store. */
  readonly store: DeedStore;
  /** The runs of the namespace that the call works in. */
  readonly runs: RunStore;
}

/**
 * Does a deed: for an operator in one transaction with its entry.
 *
 * @param work Does it with the stores that it receives, and with nothing else. If it returns `null`,
 * nothing was done.
 * @param facts What the entry says besides.
 * @returns What `work` returned.
 */
export type Deed = <Result>(
  work: (deeds: Deeds) => Promise<Result>,
  facts?: Pick<RecordedAct<NonNullable<Result>>, "outcome" | "before" | "details">,
) => Promise<Result>;

/** What acts need of a client. */
export type OperatedContext = Pick<ClientContext, "operator" | "log"> & {
  /** The store. */
  readonly store: DeedStore & Pick<ClientContext["store"], "operations">;
  /** The runs of the namespace that calls work in. */
  readonly runs: RunStore;
};

/** What acts in several transactions need of a client. */
export type StepsContext = Pick<ClientContext, "operator" | "log"> & {
  /** The store. */
  readonly store: Pick<ClientContext["store"], "operations">;
};

/** Errors that say why a target can't be acted upon. */
const REFUSALS: readonly ErrorCode[] = [
  ...["RUN_NOT_FOUND", "RUN_ENDED", "RUN_STATE", "RUN_EXISTS", "RUN_AWAITED"] as const,
  "IDEMPOTENCY_CONFLICT",
  ...["RUN_END_REPORTED", "JOB_NOT_FOUND", "JOB_HELD", "NO_NODE_CAN_LOAD"] as const,
  ...["SCHEDULE_EXISTS", "SCHEDULE_NOT_FOUND", "SCHEDULE_STATE"] as const,
  ...["VERSION_NOT_FOUND", "VERSION_NOT_REGISTERED", "VERSION_DENIED"] as const,
  ...["VERSION_UNAVAILABLE", "INVALID_INPUT", "INVALID_SIGNAL_PAYLOAD"] as const,
  "UNDECLARED_SIGNAL",
];

/**
 * Acts, and records it if the client acts for an operator.
 *
 * @param context The client.
 * @param act What is done, and to what.
 * @param perform Acts; it does its deed by the function that it receives.
 * @param refusalOf Why the act was refused, by its report; `null`: it was not.
 * @returns What `perform` returned.
 */
export async function operated<Result>(
  context: OperatedContext,
  act: Act,
  perform: (deed: Deed) => Promise<Result>,
  refusalOf: (result: Result) => string | null = () => null,
): Promise<Result> {
  const { operator, log, store, runs } = context;
  if (operator === undefined) return await perform((work) => work({ store, runs })); // OPERATED-1
  const { operations } = store;
  let isRecorded = false;
  const deed: Deed = async (work, facts) => {
    const done = await operations.record(
      operator,
      { ...act, ...facts },
      (within) => work({ store: within, runs: within.runs.in(runs.namespace) }),
    );
    isRecorded ||= done !== null;
    return (done?.result ?? null) as Awaited<ReturnType<typeof work>>;
  };
  try {
    const result = await perform(deed);
    const refusal = isRecorded ? null : refusalOf(result);
    if (refusal !== null) await operations.note(operator, act, refusal);
    return result;
  } catch (error) {
    const refusal = REFUSALS.find((code) => isContinuumError(error, code));
    if (!isRecorded && refusal !== undefined) { // OPERATED-2
      const after = { error: messageOf(error).slice(0, MAX_REASON) };
      await operations.note(operator, act, refusal, { after })
        .catch((failure) => warn(log, act, failure));
    }
    throw error;
  }
}

/**
 * The context of a call that may be a dry run: nothing is recorded of one.
 *
 * @param context The client.
 * @param options The call's.
 * @returns The context for {@linkcode operated}.
 */
export function acting<Context extends StepsContext>(
  context: Context,
  { dryRun = false }: { readonly dryRun?: boolean },
): Context {
  return dryRun ? { ...context, operator: undefined } : context;
}

/**
 * Why code did not take a history up.
 *
 * @param report What its replay found.
 * @returns The outcome of the entry; `null`: it did take it up.
 */
export function refusedBy(
  { drift, refused }: { readonly drift: unknown; readonly refused: unknown },
): string | null {
  return drift !== null ? "drifts" : refused !== null ? "refused" : null;
}

/**
 * Acts in several transactions: for an operator, the entry is written before, and its end after.
 *
 * @param context The client.
 * @param act What is done, and to what.
 * @param before What is going to be done.
 * @param perform Acts.
 * @param after What was done.
 * @returns What `perform` returned.
 */
export async function operatedInSteps<Result>(
  { operator, log, store: { operations } }: StepsContext,
  act: Act,
  before: Facts,
  perform: () => Promise<Result>,
  after: (result: Result) => Facts,
): Promise<Result> {
  if (operator === undefined) return await perform(); // OPERATED-1
  const entry = await operations.note(operator, act, "begun", { before });
  try {
    const result = await perform();
    await operations.finish(entry, "done", after(result));
    return result;
  } catch (error) {
    const outcome = isContinuumError(error) ? error.code : "failed";
    await operations.finish(entry, outcome, {}).catch((failure) => warn(log, act, failure));
    throw error;
  }
}

/**
 * Logs that an entry could not be written.
 *
 * @param log The engine's log.
 * @param act The act.
 * @param error Why.
 */
export function warn(log: AuthoredLog, { action, target }: Act, error: unknown): void {
  log.warn("Cannot record {action} of {target}: {error}", { action, target, error });
}
