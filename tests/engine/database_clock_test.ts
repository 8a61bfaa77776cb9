/**
 * What a process makes of the database's time.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseClock } from "../../src/engine/database_clock.ts";

/** A process's clock and a database's, which go at different speeds. */
class Clocks {
  database = 1_000_000;
  process = 0;
  readonly #speed: number;
  readonly known: DatabaseClock;

  /** @param speed Milliseconds of the process in one of the database. */
  constructor(speed: number) {
    this.#speed = speed;
    this.known = new DatabaseClock({
      monotonic: () => this.process,
      after: () => ({ cancel() {} }),
    });
  }

  pass(ms: number): void {
    this.database += ms;
    this.process += ms * this.#speed;
  }

  /** Asks the database, which answers after a while. */
  ask(there = 2, back = 3): void {
    const asked = this.process;
    this.pass(there);
    const at = Math.floor(this.database);
    this.pass(back);
    this.known.note(at, asked);
  }

  get late(): number {
    return this.database - this.known.now();
  }
}

for (const speed of [1, 1.0005, 1.03, 0.9995, 0.97]) {
  Deno.test(`CLOCK-1: a clock that goes at ${speed} of the database's speed is never early`, () => {
    const clocks = new Clocks(speed);
    clocks.ask();
    let latest = 0;
    for (let second = 0; second < 300; second++) {
      for (let step = 0; step < 10; step++) {
        clocks.pass(100);
        if (second > 2) assert.ok(clocks.late > -1, `early by ${-clocks.late} ms, ${second} s`);
        latest = Math.max(latest, clocks.late);
      }
      clocks.ask(2 + second % 5, 1 + second % 7);
    }
    assert.ok(latest < 60, `late by ${latest} ms`);
  });
}

for (const speed of [1, 1.03]) {
  Deno.test(`CLOCK-1: where answers are slow, a clock at ${speed} is late by no more than one takes`, () => {
    const clocks = new Clocks(speed);
    clocks.ask(100, 100);
    let latest = 0;
    for (let second = 0; second < 300; second++) {
      for (let step = 0; step < 10; step++) {
        clocks.pass(100);
        if (second > 30) latest = Math.max(latest, clocks.late);
      }
      clocks.ask(20 + second % 80, 20 + second % 60);
    }
    assert.ok(latest < 200, `late by ${latest} ms`);
  });
}

Deno.test("an older answer that overtakes a newer one does not set the clock back", () => {
  const clocks = new Clocks(1);
  clocks.ask();
  const asked = clocks.process;
  const old = clocks.database;
  clocks.pass(500);
  clocks.ask();
  const before = clocks.late;
  clocks.known.note(old, asked);
  assert.equal(clocks.late, before);
  clocks.known.note(old);
  assert.equal(clocks.late, before);
});

Deno.test("a database's clock that is set back is followed", () => {
  const clocks = new Clocks(1);
  clocks.ask();
  clocks.pass(10_000);
  clocks.ask();
  clocks.database -= 300;
  clocks.ask();
  assert.ok(clocks.late >= 0 && clocks.late < 10, `${clocks.late} ms`);
  clocks.database -= 3_600_000;
  clocks.pass(1_000);
  clocks.ask();
  assert.ok(clocks.late >= 0 && clocks.late < 10, `${clocks.late} ms`);
});

Deno.test("after a pause of the process, the clock is right with the first answer", () => {
  const clocks = new Clocks(1);
  clocks.ask();
  clocks.pass(10_000);
  clocks.ask();
  clocks.database += 60_000; // a laptop that slept: the monotonic clock stood still
  clocks.ask();
  assert.ok(clocks.late >= 0 && clocks.late < 10, `${clocks.late} ms`);
});
