/**
 * What is printed of rounds.
 *
 * @module
 */

import type { Outcome } from "./round.ts";
import { FAULTS } from "./plan.ts";

/** One line of a round. */
export function lineOf({ size, evidence, findings, made, calmMs, replayed }: Outcome): string {
  const { seed, seconds, workers } = size;
  const faults = [...made.values()].reduce((a, b) => a + b, 0);
  return `seed ${seed}: ${seconds} s, ${workers} workers, ${evidence.runs.length} runs, ` +
    `${evidence.events.length} events, ${replayed} replays, ${faults} faults, ` +
    `all ended after ${(calmMs / 1_000).toFixed(1)} s of calm, ${findings.length} findings`;
}

/** The findings of a round, the first of each promise. */
export function findingsOf({ findings }: Outcome): string[] {
  const byPromise = Map.groupBy(findings, ({ promise }) => promise);
  return [...byPromise].flatMap(([promise, all]) => [
    `  ${promise}: ${all.length}`,
    ...all.slice(0, 5).map(({ message }) => `    ${message}`),
  ]);
}

/** Adds rounds up. */
export class Totals {
  readonly #seeds: number[] = [];
  readonly #counts = new Map<string, number>();
  readonly #logged = new Map<string, number>();

  /** Adds a round. */
  add(outcome: Outcome): void {
    const { size, evidence, made, logged } = outcome;
    this.#seeds.push(size.seed);
    this.#add("seconds of faults", size.seconds);
    this.#add("runs", evidence.runs.length);
    this.#add("events", evidence.events.length);
    this.#add("replayed generations", outcome.replayed);
    this.#add("exactly-once rows", evidence.bookings.length);
    this.#add("effects in the ledger", evidence.notes.length);
    this.#add("effects that got no answer", outcome.unanswered);
    this.#add("injected failures of statements", outcome.injected);
    this.#add("processes that ended", evidence.deaths.length);
    for (const kind of FAULTS) this.#add(`fault: ${kind}`, made.get(kind) ?? 0);
    for (const { workflow } of evidence.runs) this.#add(`runs of ${workflow}`, 1);
    this.#addAll("no fault", outcome.missed);
    this.#addAll("an operator repaired", outcome.repaired);
    this.#addAll("an upgrade said", outcome.verdicts);
    this.#addAll("callers asked again after", outcome.errors);
    this.#add("findings", outcome.findings.length);
    for (const [line, count] of logged) {
      this.#logged.set(line, (this.#logged.get(line) ?? 0) + count);
    }
  }

  /** The sums, as a table of Markdown. */
  table(): string {
    const rows = [["seeds", this.#seeds.join(" ")], ...this.#counts];
    return rows.map(([name, value]) => `| ${name} | ${value} |`).join("\n");
  }

  /** What workers logged most often. */
  logged(most: number): string[] {
    return [...this.#logged].sort(([, a], [, b]) => b - a).slice(0, most)
      .map(([line, count]) => `${count} x ${line}`);
  }

  #add(name: string, count: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  #addAll(what: string, counts: ReadonlyMap<string, number>): void {
    for (const [name, count] of counts) this.#add(`${what}: ${name}`, count);
  }
}
