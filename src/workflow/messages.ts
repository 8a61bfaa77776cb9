/**
 * Signals as workflow code receives them: one at a time, one of several names, as they come, or by a
 * handler.
 *
 * - MESSAGE-1: a handler and a loop are made of waits. Each signal is one event, and nothing else is
 *   written for them. An ask has one event more, its answer.
 *
 * @module
 */

import {
  checkBoolean,
  checkFunction,
  checkOptions,
  readName,
  refuse,
  refuseUnless,
} from "../base/arguments.ts";
import { inBackground } from "../base/background.ts";
import { digestText } from "../base/digest.ts";
import { durationMs } from "../base/duration.ts";
import { isContinuumError, undeclaredSignal } from "../base/errors.ts";
import { quoteId } from "../base/describe.ts";
import { Asked } from "../replay/asks.ts";
import type { CommandOptions } from "../replay/commands.ts";
import type { Effects } from "../replay/effects.ts";
import type { WaitForSignalOptions, WaitForSignalOtherwise } from "./context_types.ts";
import type { EffectOptions } from "./effect_options.ts";
import type { HandlerOptions } from "./message_types.ts";
import { checkSchema, invalidAnswer } from "./schema.ts";
import { answerSchema } from "./signal_schemas.ts";
import type { SignalSchemas } from "./signal_types.ts";

/** One name, or several. */
type Names = string | readonly string[];

/** The most names that one wait takes. */
const MOST_NAMES = 50;

const NOTHING: CommandOptions = {};
/** A cancellation does not reach the wait of a handler: handlers work during clean-up, too. */
const HANDLES: CommandOptions = { onCancel: "finish", handles: true };

/** The signals of one run. */
export class Messages {
  readonly #effects: Effects;
  readonly #schemas: SignalSchemas | null;
  /** The signals that have a handler. */
  readonly #handled = new Set<string>();

  /**
   * @param effects The machine of the run.
   * @param schemas The signals that the workflow declares; `null`: any.
   */
  constructor(effects: Effects, schemas: SignalSchemas | null) {
    this.#effects = effects;
    this.#schemas = schemas;
  }

  /** Waits for a signal. */
  wait(
    given: Names,
    options: WaitForSignalOptions | WaitForSignalOtherwise<unknown>,
  ): Promise<unknown> {
    this.#effects.enter("waitForSignal");
    const names = this.#read(given, "ctx.waitForSignal");
    checkOptions(options, ["timeout", "otherwise", "signal"], "ctx.waitForSignal");
    const ms = options.timeout === undefined
      ? null
      : durationMs(options.timeout, `timeout of ${shown(names)}`);
    const fallback = "otherwise" in options ? { value: options.otherwise } : null;
    return this.#ask(names, { ms, fallback, signal: options.signal });
  }

  /** Returns signals as they come. */
  each(given: Names, options: EffectOptions): AsyncIterableIterator<unknown> {
    this.#effects.enter("signals");
    const names = this.#read(given, "ctx.signals");
    checkOptions(options, ["signal"], "ctx.signals");
    let isOver = false;
    const iterator: AsyncIterableIterator<unknown> = {
      next: () => {
        if (isOver) return Promise.resolve({ done: true, value: undefined });
        this.#effects.enter("signals");
        return this.#ask(names, { signal: options.signal }).then((value) => ({ value }));
      },
      return: () => {
        isOver = true;
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Calls a handler for each signal, until the returned function is called. */
  on(given: Names, handler: (message: never) => unknown, options: HandlerOptions): () => void {
    this.#effects.enter("on");
    const names = this.#read(given, "ctx.on");
    const all = typeof names === "string" ? [names] : names;
    checkFunction(handler, `the handler of ${shown(names)}`);
    checkOptions(options, ["oneAtATime"], "ctx.on");
    const { oneAtATime = false } = options;
    checkBoolean(oneAtATime, "option oneAtATime of ctx.on");
    const taken = all.find((name) => this.#handled.has(name));
    if (taken !== undefined) {
      refuse("the signal of ctx.on", taken, "one that has no handler: stop the other one first");
    }
    for (const name of all) this.#handled.add(name);
    const stopped = new AbortController();
    const { signal } = stopped;
    const stop = () => {
      if (signal.aborted) return;
      for (const name of all) this.#handled.delete(name);
      stopped.abort();
    };
    const call = handler as (message: unknown) => unknown;
    inBackground(this.#handle(names, call, oneAtATime, signal), (error) => {
      if (!signal.aborted) this.#effects.fail(error);
    });
    return stop;
  }

  async #handle(
    names: Names,
    handler: (message: unknown) => unknown,
    oneAtATime: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { handlers } = this.#effects;
    const name = typeof names === "string" ? names : names.join(", ");
    while (true) {
      const message = await this.#ask(names, { signal, options: HANDLES });
      const handle = message instanceof Asked
        ? () => this.#answer(message, handler)
        : () => handler(message);
      const handled = inBackground(handlers.run(name, handle), (error) => this.#failed(error));
      if (oneAtATime) await handled;
    }
  }

  /** Answers an ask with what its handler returns or throws: the run continues in either case. */
  async #answer({ id, signal, message }: Asked, handler: (message: unknown) => unknown) {
    try {
      const value = await this.#checked(signal, await handler(message));
      this.#effects.answer(id, { value });
    } catch (error) {
      this.#effects.answer(id, { error });
    }
  }

  async #checked(signal: string, answer: unknown): Promise<unknown> {
    const schema = answerSchema(this.#schemas?.[signal]);
    if (schema === null) return answer;
    const { workflow } = this.#effects.start;
    const what = `the answer to signal ${quoteId(signal)} of workflow ${quoteId(workflow)}`;
    const checked = await checkSchema(schema, answer, what);
    if ("issues" in checked) throw invalidAnswer(signal, workflow, checked.issues);
    return checked.value;
  }

  /** A handler has failed. If it was cancelled, so is the main function. */
  #failed(error: unknown): void {
    const isCancelled = isContinuumError(error, "CANCELLED") && this.#effects.isCancelled;
    if (!isCancelled) this.#effects.fail(error);
  }

  #ask(
    names: Names,
    { ms = null, fallback = null, signal, options = NOTHING }: {
      readonly ms?: number | null;
      readonly fallback?: { readonly value: unknown } | null;
      readonly signal: AbortSignal | undefined;
      readonly options?: CommandOptions;
    },
  ): Promise<unknown> {
    const timeout = ms === null ? null : `${ms}ms`;
    return this.#effects.ask({
      kind: "signal",
      ...(typeof names === "string" ? { name: names, digest: timeout } : {
        name: names.join(", "),
        names,
        digest: [digestText(JSON.stringify(names)), ...timeout === null ? [] : [timeout]].join(" "),
      }),
      input: null,
      deadline: ms === null ? null : this.#effects.virtualNow() + ms,
      options,
      signal,
      fallback,
    });
  }

  /** Checks the names of signals. */
  #read(given: Names, call: string): Names {
    if (typeof given === "string" || !Array.isArray(given)) {
      this.#check(given as string);
      return given;
    }
    const isList = given.length > 0 && given.length <= MOST_NAMES;
    refuseUnless(isList, `the names of ${call}`, given, `1 to ${MOST_NAMES} names of signals`);
    for (const name of given) this.#check(name);
    const names = [...given].sort();
    const again = names.find((name, index) => name === names[index - 1]);
    if (again !== undefined) refuse(`the names of ${call}`, again, "each name once");
    return names;
  }

  #check(name: string): void {
    readName(name, "a signal");
    if (this.#schemas === null || name in this.#schemas) return;
    throw undeclaredSignal(name, this.#effects.start.workflow, Object.keys(this.#schemas));
  }
}

function shown(names: Names): string {
  return typeof names === "string"
    ? `signal ${JSON.stringify(names)}`
    : `signals ${names.map((name) => JSON.stringify(name)).join(", ")}`;
}
