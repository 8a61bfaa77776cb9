/**
 * Steps through a replay at the commands of a person, or of a pipe.
 *
 * @module
 */

import type { OpenReplay } from "../operate/bundles.ts";
import { isContinuumError } from "../base/errors.ts";
import { shownError } from "./errors.ts";
import { json, type Output } from "./output/output.ts";
import { stepLines } from "./output/replay_lines.ts";

/** Reads a line; `null`: there is no more. */
export type ReadLine = () => Promise<string | null>;

const HELP = [
  "n         the next event (also an empty line)",
  "b         back by one event",
  "g 14      go to the state after event 14",
  "w         the lines at which the code waits",
  "p         the run's input",
  "p NAME    the input and the answer of the last effect of that name",
  "q         quit",
];

/** How many names of effects a remark lists. */
const MAX_NAMES = 20;

/** Steps through a replay. */
export class Stepper {
  readonly #replay: OpenReplay;
  readonly #out: Output;
  readonly #readLine: ReadLine;
  readonly #prompt: (text: string) => void;
  #at: number;

  /**
   * @param replay The replay.
   * @param at How many events the first step has received.
   * @param out Prints the steps.
   * @param readLine Reads the commands.
   * @param prompt Shows where a command may be typed; nothing in a pipe.
   */
  constructor(
    replay: OpenReplay,
    at: number,
    out: Output,
    readLine: ReadLine,
    prompt: (text: string) => void,
  ) {
    this.#replay = replay;
    this.#at = at;
    this.#out = out;
    this.#readLine = readLine;
    this.#prompt = prompt;
  }

  /** Shows the first step, and obeys commands until `q` or the end of the input. */
  async run(): Promise<void> {
    await this.#show(false);
    for (;;) {
      this.#prompt(`(${this.#at}/${this.#replay.facts.events}) `);
      const line = await this.#readLine();
      if (line === null || /^\s*q(uit)?\s*$/.test(line)) return;
      await this.#obey(line.trim());
    }
  }

  async #obey(line: string): Promise<void> {
    const [word = "", argument = ""] = line.split(/\s+(.*)/s);
    switch (word) {
      case "":
      case "n":
        return await this.#go(this.#at + 1);
      case "b":
        return await this.#go(this.#at - 1);
      case "g":
        return await this.#go(/^\d{1,9}$/.test(argument) ? Number(argument) : NaN);
      case "w":
        return await this.#show(true);
      case "p":
        return await this.#unlessItFails(() => this.#print(argument));
      default:
        for (
          const text of [`unknown command ${JSON.stringify(word)}; the commands are:`, ...HELP]
        ) {
          this.#out.note(text);
        }
    }
  }

  async #go(at: number): Promise<void> {
    const { events } = this.#replay.facts;
    if (at >= 0 && at <= events) {
      this.#at = at;
      return await this.#show(false);
    }
    this.#out.note(
      at > events
        ? `there are no more events: the history has ${events}`
        : at < 0
        ? "the code has received no event yet"
        : `g wants a number from 0 to ${events}`,
    );
  }

  async #show(isWhole: boolean): Promise<void> {
    await this.#unlessItFails(async () => {
      const step = await this.#replay.step(this.#at);
      this.#out.document(step, () => stepLines(step, this.#replay.facts.events, isWhole));
    });
  }

  /** An error of the code leaves the stepper at its step: another step may work. */
  async #unlessItFails(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isContinuumError(error)) throw error;
      const { code, message } = shownError(error);
      this.#out.error(`${code}: ${message}`);
    }
  }

  async #print(name: string): Promise<void> {
    if (name === "") {
      const { input } = this.#replay.facts;
      return this.#out.document({ input }, () => json(input, 2).split("\n"));
    }
    const effect = await this.#replay.effect(name, this.#at);
    if (effect === null) {
      const { effects, total } = await this.#replay.trace(this.#at);
      const names = new Set(effects.map((effect) => effect.name).filter((name) => name !== ""));
      const shown = [...names].slice(0, MAX_NAMES);
      const more = names.size > shown.length || total > effects.length ? ", and others" : "";
      return this.#out.note(
        `the code has requested no ${JSON.stringify(name)} by now; it has requested ` +
          `${shown.length === 0 ? "nothing with a name" : shown.join(", ")}${more}`,
      );
    }
    const { kind, state, input, value } = effect;
    this.#out.document({ name, kind, state, input, value }, () => [
      `${kind} ${JSON.stringify(name)}: ${state}`,
      ...(input === null ? [] : `input: ${json(input, 2)}`.split("\n")),
      ...(state === "waiting" ? [] : `value: ${json(value, 2)}`.split("\n")),
    ]);
  }
}
