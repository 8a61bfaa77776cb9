/**
 * Options that take a value: each of every command refuses an empty one, and one that is missing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/catalogue.gen.ts";
import { readCommandLine } from "../../src/cli/command_line.ts";
import { UsageError } from "../../src/cli/errors.ts";
import { ACTING_OPTIONS, GLOBAL_OPTIONS, readGlobals } from "../../src/cli/globals.ts";
import { IN_GRAPH } from "../../src/cli/in_graph.ts";
import { converted, optionOf } from "../../src/cli/notation.ts";
import { CliWorld } from "../support/cli_world.ts";
import { source } from "../support/scene.ts";

const STREAMS = { columns: 80, write: assert.fail, writeError: assert.fail };

/** Each command with one of its options that take a value: those of every command as well. */
function optionsWithValue() {
  const found: { readonly path: string; readonly args: string[]; readonly flag: string }[] = [];
  for (const { path, options = [], acts, arguments: wanted = [] } of COMMANDS) {
    const flags = [
      ...options.map((option) => option.flags),
      ...(acts === undefined ? [] : ACTING_OPTIONS).map(([flags]) => flags),
      ...GLOBAL_OPTIONS.map(([flags]) => flags),
    ].map(optionOf).filter(({ value }) => value !== undefined);
    const args = wanted.map(() => "x");
    for (const long of new Set(flags.map(({ long }) => long))) {
      found.push({ path, args, flag: long });
    }
  }
  return found;
}

/** Reads a command line as far as it goes without a database. */
async function read(args: readonly string[]) {
  const { path, args: positional, options, globals } = readCommandLine(args, "1.2.3", STREAMS);
  const command = await IN_GRAPH.command(path);
  return {
    args: positional,
    options: converted(command.options ?? [], options),
    read: readGlobals(globals, () => undefined),
  };
}

Deno.test("an option that takes a value refuses the empty text by its name, for every command", async () => {
  const options = optionsWithValue();
  assert.ok(options.length > 400, `${options.length} options`);
  for (const { path, args, flag } of options) {
    for (const given of [[flag, ""], [`${flag}=`]]) {
      await assert.rejects(
        read([...path.split(" "), ...given, ...args]),
        (error) =>
          error instanceof UsageError && error.message.includes(`Cannot use ${flag}: found `),
        `${path} ${given.join(" ")}`,
      );
    }
  }
});

Deno.test("an option that takes a value and is followed by another option is refused by its name", async () => {
  for (const { path, args, flag } of optionsWithValue()) {
    const isGlobal = GLOBAL_OPTIONS.some(([flags]) => flags.startsWith(`${flag} `));
    const words = path.split(" ");
    for (const next of ["--yes", "--json", "--unknown", "--timeout=9s", "-h", "--"]) {
      const lines = [[...words, ...args, flag, next]];
      if (isGlobal) lines.push([flag, next, ...words, ...args]);
      for (const line of lines) {
        await assert.rejects(
          read(line),
          (error) =>
            error instanceof UsageError &&
            error.message === `Cannot use ${flag}: found ${next} after it, wanted its value`,
          line.join(" "),
        );
      }
    }
  }
});

Deno.test("a value that begins with dashes follows an equals sign, and one of one dash a space", async () => {
  const equals = await read(["runs", "upgrade", "--job=--yes", "--reason=-h"]);
  assert.deepEqual(equals.options, { job: "--yes" });
  assert.equal(equals.read.reason, "-h");
  const dash = await read(["runs", "list", "--workflow", "-order"]);
  assert.deepEqual(dash.options, { workflow: "-order" });
  const after = await read(["cancel", "--reason", "why", "--", "--reason", "--yes"]);
  assert.deepEqual(after.args, ["--reason", "--yes"]);
  const valued = await read(["cancel", "--reason", "why", "x", "--as", "a"]);
  assert.deepEqual([valued.args, valued.read.as], [["x"], "a"]);
});

Deno.test("runs upgrade --job --yes moves nothing, and says which option lacks its value", async () => {
  await using world = await CliWorld.make({ "tick.ts": source("return 1;", `{ name: "tick" }`) });
  const { code, out, error } = await world.run(["runs", "upgrade", "--job", "--yes"]);
  assert.deepEqual([code, out], [2, ""], error);
  assert.match(
    error,
    /^USAGE: Cannot use --job: found --yes after it, wanted its value/,
  );
  assert.match(error, /\n {2}A value that begins so follows an equals sign: --job=--yes\n/);
});

Deno.test("an empty argument names nothing: it is refused, and nothing is acted upon", async () => {
  const files = { "tick.ts": source("return input;", `{ name: "tick" }`) };
  await using world = await CliWorld.make(files);
  const node = await world.node("tick.ts");
  await node.start("tick", 1, { runId: "a", delay: "1d" });
  await node.schedules.create({ id: "s", workflow: "tick", every: "1h" });
  const hash = (await node.run("a").status()).version.hash;
  const consent = ["--reason", "x", "--yes"];
  const lines: readonly (readonly string[])[] = [
    ...["show", "where", "trace", "tree", "history", "generations"].map((
      word,
    ) => ["runs", word, ""]),
    ...["cancel", "result", "start"].map((word) => [word, ""]),
    ...["pause", "resume", "trigger"].map((word) => ["schedules", word, ""]),
    ...[["terminate", ""], ["runs", "delete", ""], ["schedules", "delete", ""]]
      .map((line) => [...line, ...consent]),
    ...[["versions", "deny", ""], ["repair", ""], ["health", "acknowledge", ""]]
      .map((line) => [...line, ...consent]),
    ["versions", "source", hash, ""],
    ["versions", "diff", hash, hash, ""],
    ["versions", "activate", "", hash],
    ["versions", "activate", "tick", ""],
    ["versions", "replay", ""],
    ["runs", "upgrade", "", "--to", hash, "--yes"],
    ["runs", "export", ""],
    ["signal", "a", ""],
  ];
  for (const line of lines) {
    const { code, out, error } = await world.here(line);
    assert.ok(code === 2 || code === 4, `${line.join(" ")}: ${code} ${out}${error}`);
    assert.match(error, /^[A-Z_]+: Cannot /, line.join(" "));
  }
  assert.equal((await node.run("a").status()).state, "pending");
  assert.equal((await node.schedules.get("s")).state, "active");
  assert.equal(await node.runs.count(), 1);
});
