/**
 * `runs list --watch`: what a terminal shows, and who is refused.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readGlobals } from "../../src/cli/globals.ts";
import { Output } from "../../src/cli/output/output.ts";
import { DatabaseUnavailableError } from "../../src/store/errors.ts";
import { watch } from "../../src/cli/watch.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { CliWorld } from "../support/cli_world.ts";

/** What a terminal shows after the sequences that were written to it. */
function screenOf(written: string, rows: number): string[] {
  let screen: string[] = [];
  let row = 0;
  // deno-lint-ignore no-control-regex -- these are the sequences
  for (const [part] of written.matchAll(/\u001b\[[0-9]*[A-Z]|\n|[^\u001b\n]+/g)) {
    if (part === "\u001b[2J") screen = [];
    else if (part === "\u001b[H") row = 0;
    else if (part === "\u001b[J") screen.length = Math.min(screen.length, row);
    else if (part === "\n") assert(++row < rows, "the terminal scrolls");
    else if (part !== "\u001b[K") screen[row] = part;
  }
  return screen;
}

/** The output of a terminal of five rows. */
function outputTo(write: (text: string) => void): Output {
  const terminal = { isTerminal: true, columns: 80, rows: 5, write } as unknown as Terminal;
  return new Output(terminal, readGlobals({ color: false }, () => undefined), []);
}

Deno.test("a frame replaces the one before, and what does not fit is left out", async () => {
  let written = "";
  const out = outputTo((text) => written += text);
  const ending = new AbortController();
  const frames = [["one", "two", "three"], ["four"], ["1", "2", "3", "4", "5"]];
  const shown: string[][] = [];
  await watch(
    out,
    () => Promise.resolve(frames[shown.length]!.forEach((line) => out.line(line))),
    ending.signal,
    () => {
      shown.push(screenOf(written, 5).map((line) => line.replace(/^20.*Ctrl-C ends$/, "time")));
      if (shown.length === frames.length) ending.abort();
      return Promise.resolve();
    },
  );
  assert.deepEqual(shown, [["one", "two", "three", "time"], ["four", "time"], [
    "1",
    "2",
    "3",
    "4",
  ]]);
});

Deno.test("a frame says that the database does not answer, and the next one tries again", async () => {
  let written = "";
  const out = outputTo((text) => written += text);
  const ending = new AbortController();
  const shown: string[] = [];
  const draw = [
    () => Promise.resolve(out.line("before")),
    () => Promise.reject(new DatabaseUnavailableError("postgres", new Error("refused"))),
    () => Promise.resolve(out.line("after")),
  ];
  const next = () => {
    shown.push(screenOf(written, 5)[0]!);
    if (shown.length === draw.length) ending.abort();
    return Promise.resolve();
  };
  await watch(out, () => draw[shown.length]!(), ending.signal, next);
  assert.equal(shown[0], "before");
  assert.match(shown[1]!, /^DATABASE_UNAVAILABLE: .*refused/);
  assert.equal(shown[2], "after");
  const broken = watch(
    out,
    () => Promise.reject(new TypeError("a fault")),
    AbortSignal.timeout(60_000),
  );
  await assert.rejects(broken, /a fault/, "another error ends it");
});

Deno.test("a pipe and JSON are refused with the reason", async () => {
  await using world = await CliWorld.make();
  const piped = await world.run(["runs", "list", "--watch"]);
  assert.equal(piped.code, 2);
  assert.match(piped.error, /^USAGE: Cannot use --watch: found a pipe or a file, wanted text on a/);
  const json = await world.here(["runs", "list", "--watch", "--json"], { isTerminal: true });
  assert.match(json.error, /Cannot use --watch: found --json, wanted text/);
});
