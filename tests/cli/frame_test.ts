/**
 * The frame of the command line: how it reads its arguments, and how it refuses them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/registry.ts";
import { cliHere } from "../support/cli.ts";

const NOWHERE = ["--database", "postgres://app:s3cret@127.0.0.1:1/none"];

Deno.test("help and version name the commands without a database, and end with code 0", async () => {
  const version = await cliHere(["--version"]);
  assert.deepEqual(version, { code: 0, out: "1.2.3\n", error: "" });
  const { code, out } = await cliHere(["--help"]);
  assert.equal(code, 0);
  for (const { path } of COMMANDS) assert.match(out, new RegExp(`^  ${path.split(" ")[0]}`, "m"));
});

Deno.test("the help of every command begins with an example of it", async () => {
  for (const { path } of COMMANDS) {
    const { code, out } = await cliHere([...path.split(" "), "--help"]);
    assert.equal(code, 0, path);
    const [first, comment, line] = out.split("\n");
    assert.equal(first, "Examples:", path);
    assert.match(comment!, /^ {2}# \S/, path);
    assert.ok(line!.includes(`continuum ${path}`), `${path}: ${line}`);
  }
});

Deno.test("a wrong command line ends with code 2, a sentence and the next step", async () => {
  const wrong: readonly (readonly [line: string, says: RegExp])[] = [
    ["rns", /Unknown command 'rns' \(Did you mean runs\?\)[^]*continuum --help/],
    ["runs cuont", /Unknown command 'cuont' \(Did you mean count\?\)[^]*continuum runs --help/],
    ["runs count --jsno", /Unknown option '--jsno' \(Did you mean --json\?\)/],
    ["runs count extra", /Too many arguments[^]*continuum runs count --help/],
    ["runs count --json --jsonl", /Cannot print --json and --jsonl at once/],
    ["runs count --time realtive", /--time[^]*did you mean relative\?/],
    ["runs count --timeout soon", /--timeout/],
    ["runs count --timeout 0s", /--timeout[^]*wanted more than 0/],
    ["runs count --fields cuont", /--fields[^]*did you mean count\?/],
    ["runs count --yes", /Unknown option '--yes'/],
    ["runs count", /none is named[^]*DATABASE_URL/],
    ["runs count --database mysql://u:s3cret@h/x", /DATABASE_OPTION/],
    ["runs count --database pglite:/no/such/folder", /DATABASE_OPTION[^]*the folder of a database/],
  ];
  for (const [line, says] of wrong) {
    const { code, out, error } = await cliHere(line.split(" "));
    assert.equal(code, 2, `${line}: ${error}`);
    assert.equal(out, "", line);
    assert.match(error, says, line);
    assert.doesNotMatch(error, /s3cret/, line);
  }
});

Deno.test("an error is one JSON object if JSON was asked for, without secrets", async () => {
  const { code, out, error } = await cliHere(["runs", "count", "--json", ...NOWHERE]);
  assert.equal(code, 7);
  assert.equal(out, "");
  const { error: { code: name, message, next } } = JSON.parse(error);
  assert.equal(name, "DATABASE_UNAVAILABLE");
  assert.ok(message.length > 0 && next.length > 0);
  assert.doesNotMatch(error, /s3cret/);
});
