/**
 * Callers: they start runs, send signals and wait for results, and ask again when they get no
 * answer.
 *
 * @module
 */

import { isContinuumError } from "../../src/base/errors.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import type { Heard } from "./evidence.ts";
import type { Plan, PlannedRun, PlannedSchedule } from "./plan.ts";
import type { Act } from "./programs/program.ts";
import { TICK } from "./programs/all.ts";
import type { World } from "./world.ts";

/** Answers that no retry changes. */
const REFUSALS = [
  ...["RUN_ENDED", "RUN_STATE", "RUN_FAILED", "RUN_CANCELLED", "RUN_TERMINATED", "RUN_TIMEOUT"],
  ...["RUN_EXISTS", "RUN_NOT_FOUND", "IDEMPOTENCY_CONFLICT", "INVALID_ARGUMENT", "INVALID_INPUT"],
];

/** What was answered: a value, or a refusal. */
type Answer<T> = { readonly value: T } | { readonly refused: string; readonly message: string };

/** All callers of a plan. */
export class Callers {
  /** What each was answered, by the planned run's name. */
  readonly heard = new Map<string, Heard>();
  /** What should not have been answered. */
  readonly complaints: string[] = [];
  /** Errors that callers asked again after, by their code, with how often. */
  readonly errors = new Map<string, number>();
  readonly #world: World;
  readonly #began = performance.now();
  #isOver = false;

  /** @param world Where they call. */
  constructor(world: World) {
    this.#world = world;
  }

  /** Does all that the plan says; resolves when every caller has its answers. */
  async follow({ runs, schedules }: Plan): Promise<void> {
    await Promise.all([
      ...runs.map((run) => this.#follow(run)),
      ...schedules.map((schedule) => this.#schedule(schedule)),
    ]);
  }

  /** Callers ask no more from now on. */
  giveUp(): void {
    this.#isOver = true;
  }

  async #follow(run: PlannedRun): Promise<void> {
    const { name, program, at, isKeyed, versioning } = run;
    await this.#until(at);
    const input = { ...run.input, ledger: this.#world.ledger.url };
    const started = await this.#insist(() =>
      this.#world.client.start(program, input, {
        ...(isKeyed ? { idempotencyKey: name } : { runId: name, ifExists: "useEnded" }),
        ...(versioning === undefined ? {} : { versioning }),
      })
    );
    if (started === undefined) return;
    if ("refused" in started) {
      this.complaints.push(`The start of ${name} was refused: ${started.message}`);
      return;
    }
    const handle = started.value;
    const signals: Record<string, number> = {};
    const heard = { id: handle.id, signals, fork: null };
    this.heard.set(name, heard);
    for (const act of run.acts) {
      await this.#pause(act.afterMs);
      if (act.do === "fork") {
        this.heard.set(name, { ...heard, fork: await this.#fork(handle, name, act.events) });
      } else {
        await this.#act(handle, act, signals);
      }
    }
    if (!run.isAwaited) return;
    const answer = await this.#insist(() => handle.result({ timeout: "10s" }));
    if (answer === undefined || !("value" in answer)) return;
    this.heard.set(name, { ...this.heard.get(name)!, result: answer.value });
  }

  async #act(
    handle: RunHandle,
    act: Exclude<Act, { do: "fork" }>,
    signals: Record<string, number>,
  ): Promise<void> {
    if (act.do === "signal") {
      const { name, payload, isRepeated } = act;
      const deliveryId = `${name} ${payload}`;
      for (let times = isRepeated ? 2 : 1; times > 0; times--) {
        const answer = await this.#insist(() => handle.signal(name, payload, { deliveryId }));
        if (answer === undefined) return;
        if ("value" in answer && times === 1) signals[name] = (signals[name] ?? 0) + 1;
      }
    } else if (act.do === "cancel") {
      await this.#insist(() => handle.cancel({ reason: "as planned" }));
    } else {
      await this.#insist(() => handle.terminate({ reason: "as planned" }));
    }
  }

  async #fork(handle: RunHandle, name: string, events: number): Promise<string | null> {
    const ended = await this.#insist(() => handle.result({ timeout: "10s" }));
    if (ended === undefined || !("value" in ended)) return null;
    const id = `${name}-fork`;
    const answer = await this.#insist(() => handle.fork({ at: events, id }));
    if (answer !== undefined && "value" in answer && answer.value.forked) return answer.value.id;
    if (answer !== undefined) {
      this.complaints.push(`The fork of ${handle.id} was refused: ${JSON.stringify(answer)}`);
    }
    return null;
  }

  async #schedule({ id, at, runs }: PlannedSchedule): Promise<void> {
    await this.#until(at);
    const created = await this.#insist(() =>
      this.#world.client.schedules.create({
        id,
        workflow: TICK,
        every: "1s",
        maxRuns: runs,
        overlap: "allow",
        catchUp: "all",
        ifExists: "replace",
      })
    );
    if (created !== undefined && "refused" in created) {
      this.complaints.push(`The schedule ${id} was refused: ${created.message}`);
    }
  }

  /** Asks until there is an answer; `undefined`: the round is over. */
  async #insist<T>(ask: () => Promise<T>): Promise<Answer<T> | undefined> {
    for (let tries = 1; !this.#isOver; tries++) {
      try {
        return { value: await ask() };
      } catch (error) {
        const { code = "none", message } = error as { code?: string; message: string };
        if (isContinuumError(error) && REFUSALS.includes(code)) return { refused: code, message };
        const what = isContinuumError(error) ? code : `${code}: ${message.slice(0, 100)}`;
        this.errors.set(what, (this.errors.get(what) ?? 0) + 1);
      }
      await this.#pause(Math.min(100 * tries, 1_000));
    }
    return undefined;
  }

  async #until(at: number): Promise<void> {
    await this.#pause(at - (performance.now() - this.#began));
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  }
}
