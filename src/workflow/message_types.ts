/**
 * The types of messages in workflow code: several signals, loops over them, handlers.
 *
 * @module
 */

import type { Duration } from "../base/duration.ts";
import type { EffectOptions } from "./effect_options.ts";
import type {
  SignalAnswer,
  SignalArguments,
  SignalName,
  SignalOutput,
  SignalReply,
  SignalSchemas,
} from "./signal_types.ts";

/**
 * A signal that a wait for several has received.
 *
 * @category Workflows
 */
export type ReceivedSignal<Signals extends SignalSchemas, Name extends SignalName<Signals>> = {
  readonly [Each in Name]: {
    /** Its name. */
    readonly name: Each;
    /** Its payload. */
    readonly payload: SignalOutput<Signals, Each>;
  };
}[Name];

/**
 * A signal that a wait for several has received, of a workflow that declares none.
 *
 * @category Workflows
 */
export interface ReceivedAnySignal<Payload, Name extends string> {
  /** Its name. */
  readonly name: Name;
  /** Its payload. */
  readonly payload: Payload;
}

/**
 * `ctx.signals` of a workflow that declares no signals.
 *
 * @category Workflows
 */
export interface EachAnySignal {
  /** The payloads of one signal. */
  <Payload = unknown>(name: string, options?: EffectOptions): AsyncIterableIterator<Payload>;
  /** Several signals. */
  <Payload = unknown, Name extends string = string>(
    names: readonly Name[],
    options?: EffectOptions,
  ): AsyncIterableIterator<ReceivedAnySignal<Payload, Name>>;
}

/**
 * `ctx.signals` of a workflow that declares its signals.
 *
 * @category Workflows
 */
export interface EachDeclaredSignal<Signals extends SignalSchemas> {
  /** The payloads of one signal. */
  <Name extends SignalName<Signals>>(
    name: Name,
    options?: EffectOptions,
  ): AsyncIterableIterator<SignalOutput<Signals, Name>>;
  /** Several signals. */
  <Name extends SignalName<Signals>>(
    names: readonly Name[],
    options?: EffectOptions,
  ): AsyncIterableIterator<ReceivedSignal<Signals, Name>>;
}

/**
 * Options of `ctx.on`.
 *
 * @category Workflows
 */
export interface HandlerOptions {
  /**
   * Whether the handler receives a signal only when it has ended for the one before. False by
   * default.
   */
  readonly oneAtATime?: boolean;
}

/**
 * `ctx.on` of a workflow that declares no signals.
 *
 * @category Workflows
 */
export interface HandleAnySignal {
  /** Handles one signal; what the handler returns answers an ask. */
  <Payload = unknown>(
    name: string,
    handler: (payload: Payload) => unknown,
    options?: HandlerOptions,
  ): () => void;
  /** Handles several signals. */
  <Payload = unknown, Name extends string = string>(
    names: readonly Name[],
    handler: (message: ReceivedAnySignal<Payload, Name>) => unknown,
    options?: HandlerOptions,
  ): () => void;
}

/**
 * `ctx.on` of a workflow that declares its signals.
 *
 * @category Workflows
 */
export interface HandleDeclaredSignal<Signals extends SignalSchemas> {
  /** Handles one signal; what the handler returns answers an ask. */
  <Name extends SignalName<Signals>, Reply extends SignalReply<Signals, Name>>(
    name: Name,
    handler: (payload: SignalOutput<Signals, Name>) => Reply,
    options?: HandlerOptions,
  ): () => void;
  /** Handles several signals. */
  <Name extends SignalName<Signals>, Reply extends SignalReply<Signals, Name>>(
    names: readonly Name[],
    handler: (message: ReceivedSignal<Signals, Name>) => Reply,
    options?: HandlerOptions,
  ): () => void;
}

/**
 * The handle of any run of the same namespace, in workflow code.
 *
 * @category Workflows
 */
export interface OtherRun<Signals extends SignalSchemas = SignalSchemas, Output = unknown> {
  /** The run's id. */
  readonly id: string;
  /**
   * Sends the run a signal, once, however often this code is replayed.
   *
   * @returns Whether it was delivered; `false`: there is no such run, or it has ended.
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the run's version does not declare the
   * signal.
   * @throws {InvalidInputError} (`INVALID_SIGNAL_PAYLOAD`) If the payload does not match the
   * signal's schema.
   */
  signal<Name extends SignalName<Signals>>(
    name: Name,
    ...payloadAndOptions: SignalArguments<Signals, Name, EffectOptions>
  ): Promise<boolean>;
  /**
   * Requests the run's cancellation.
   *
   * @returns Whether there is such a run that has not ended.
   */
  cancel(options?: EffectOptions): Promise<boolean>;
  /**
   * Sends the run a signal, once, and waits for what its handler (`ctx.on`) returns for it.
   *
   * @throws {AskError} (`ASK_FAILED`) If the handler threw: `cause` says what.
   * @throws {AskError} (`ASK_UNANSWERED`) If the run ends, continues as new or is retried before it
   * has answered.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   * @throws {RunStateError} (`RUN_ENDED`) If it has ended.
   * @throws {InvalidInputError} As {@linkcode OtherRun.signal}.
   */
  ask<Name extends SignalName<Signals>>(
    name: Name,
    ...payloadAndOptions: SignalArguments<Signals, Name, EffectOptions>
  ): Promise<SignalAnswer<Signals, Name>>;
  /** Asks a run of a workflow that declares no signals. */
  ask<Answer>(
    name: string extends keyof Signals ? string : never,
    payload?: unknown,
    options?: EffectOptions,
  ): Promise<Answer>;
  /**
   * Waits until the run has published a value with that name (`ctx.publish`), and returns the latest.
   *
   * @throws {NotPublishedError} (`NOT_PUBLISHED`) If the run has ended, and has published none.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  published<Value = unknown>(name: string, options?: EffectOptions): Promise<Value>;
  /**
   * Waits for the run's end. A run that is awaited so is not ended with this one.
   *
   * @returns What its workflow returned.
   * @throws {RunFailedError} (`RUN_FAILED`) If its workflow threw.
   * @throws {TimeoutError} (`RUN_TIMEOUT`) If its own timeout ended it.
   * @throws {RunStoppedError} (`RUN_CANCELLED`, `RUN_TERMINATED`) If it was cancelled or terminated.
   * @throws {RunNotFoundError} (`RUN_NOT_FOUND`) If there is no such run.
   */
  result(options?: EffectOptions): Promise<Output>;
}

/**
 * Options of `ctx.until`.
 *
 * @category Workflows
 */
export interface UntilOptions extends EffectOptions {
  /** How long to wait; without limit by default. */
  readonly timeout?: Duration;
}
