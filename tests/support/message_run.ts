/**
 * A run in memory, which is given signals and asks, and whose other commands end when a test says so.
 *
 * @module
 */

import assert from "node:assert/strict";
import { decode, encode } from "../../src/base/values.ts";
import { decodeError } from "../../src/base/values_failure.ts";
import type { Command } from "../../src/replay/commands.ts";
import type { HistoryEvent } from "../../src/replay/history.ts";
import type { ExecutionOptions } from "../../src/replay/effects.ts";
import { takesSignal } from "../../src/replay/settle.ts";
import type { Turn } from "../../src/replay/turn.ts";
import type { WorkflowContext } from "../../src/workflow/context_types.ts";
import { executionFor, Journal } from "./executions.ts";

/** The function of a workflow. */
export type Body = (ctx: WorkflowContext) => unknown;

/** A run in memory. */
export class MessageRun {
  readonly #body: Body;
  readonly #execution;
  readonly #journal = new Journal();
  readonly #waiting = new Map<number, Command>();
  turn!: Turn;

  private constructor(body: Body, options: Partial<ExecutionOptions>) {
    this.#body = body;
    this.#execution = executionFor(body, options);
  }

  /** Takes the first turn. */
  static async begin(
    body: Body,
    options: Partial<ExecutionOptions> = {},
  ): Promise<MessageRun> {
    const run = new MessageRun(body, options);
    await run.#take([]);
    return run;
  }

  async #take(events: readonly HistoryEvent[]): Promise<void> {
    this.turn = await this.#execution.turn(events);
    assert.equal(this.turn.drift, null, this.turn.drift?.message);
    assert.equal(this.turn.refused, null, this.turn.refused?.message);
    for (const { position } of events) this.#waiting.delete(position ?? -1);
    for (const position of this.turn.withdrawn) this.#waiting.delete(position);
    for (const command of this.turn.issued) this.#waiting.set(command.position, command);
    for (const note of this.turn.notes) this.#journal.append({ ...note, position: null });
  }

  /** Its history. */
  get events(): readonly HistoryEvent[] {
    return this.#journal.events;
  }

  /** The names of the commands that wait. */
  get waiting(): string[] {
    return [...this.#waiting.values()].map(({ kind, name }) => `${kind} ${name}`.trim());
  }

  /** Sends a signal; returns whether a wait takes it. */
  async signal(name: string, payload?: unknown): Promise<boolean> {
    const taker = this.#takerOf(name, false);
    if (taker === undefined) return false;
    const event = this.#journal.add("signal.received", { ...taker, name }, encode(payload));
    await this.#take([event]);
    return true;
  }

  /** Sends an ask; returns whether a handler takes it. */
  async ask(id: string, name: string, payload?: unknown): Promise<boolean> {
    const taker = this.#takerOf(name, true);
    if (taker === undefined) return false;
    await this.#take([this.#journal.ask(taker, id, name, payload)]);
    return true;
  }

  /** What has been answered to asks so far, by id: a value, or the code or message of an error. */
  get answers(): Record<string, unknown> {
    return Object.fromEntries(this.events.flatMap(({ kind, name, payload }) => {
      if (kind === "ask.answered") return [[name, decode(payload!)]];
      if (kind !== "ask.failed") return [];
      const error = decodeError(payload!) as Error & { code?: string };
      return [[name, [error.code ?? error.message]]];
    }));
  }

  #takerOf(name: string, isAsk: boolean): Command | undefined {
    return [...this.#waiting.values()].find((command) =>
      takesSignal(command, name, isAsk) && command.attention !== "lost"
    );
  }

  /** The first command of a kind ends. */
  async end(kind: Command["kind"], value?: unknown): Promise<void> {
    await this.#take([this.#journal.succeed(this.#first(kind), value)]);
  }

  /** The first command of a kind fails, or times out. */
  async fail(kind: Command["kind"]): Promise<void> {
    await this.#take([this.#journal.fail(this.#first(kind))]);
  }

  /** Its cancellation is requested. */
  async cancel(): Promise<void> {
    await this.#take([this.#journal.cancel()]);
  }

  #first(kind: Command["kind"]): Command {
    const found = [...this.#waiting.values()].find((command) => command.kind === kind);
    assert(found !== undefined, `no ${kind} in ${this.waiting}`);
    return found;
  }

  /** How it ended; its history replays to the same end from a cut at every event. */
  async outcome(): Promise<unknown> {
    const { outcome } = this.turn;
    assert(outcome !== null, `it waits for ${this.waiting}`);
    const { events } = this.#journal;
    for (let cut = 0; cut <= events.length; cut++) {
      const replayed = executionFor(this.#body);
      const mid = await replayed.turn(events.slice(0, cut));
      const end = mid.outcome === null ? await replayed.turn(events.slice(cut)) : mid;
      assert.equal(end.drift, null, end.drift?.message);
      assert.deepEqual(end.outcome, outcome);
    }
    if (outcome.kind === "completed") return decode(outcome.result);
    assert("error" in outcome);
    const error = decodeError(outcome.error) as Error & { code?: string };
    return [outcome.kind, error.code ?? error.message];
  }
}
