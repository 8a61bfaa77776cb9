/**
 * The frame of the command line: how it reads its arguments, and how it refuses them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { COMMANDS, GROUPS } from "../../src/cli/catalogue.gen.ts";
import { readCommandLine } from "../../src/cli/command_line.ts";
import { commandLine } from "../../src/operate/shell.ts";
import { cliHere, shellWords } from "../support/cli.ts";

const NOWHERE = ["--database", "postgres://app:s3cret@127.0.0.1:1/none"];

Deno.test("help and version name the commands without a database, and end with code 0", async () => {
  const version = await cliHere(["--version"]);
  assert.deepEqual(version, { code: 0, out: "1.2.3\n", error: "" });
  const { code, out } = await cliHere(["--help"]);
  assert.equal(code, 0);
  assert.match(out, /^Examples:\n {2}# [^\n]+\n {2}continuum migrate\n/);
  for (const { path } of COMMANDS) assert.match(out, new RegExp(`^  ${path.split(" ")[0]}`, "m"));
});

Deno.test("help of a program, a group or a command is the same wherever it is asked for", async () => {
  const asked = [
    ["", "help", "-h"],
    ...Object.keys(GROUPS).map((group) => [group, `help ${group}`, `--json ${group} -h`]),
    ...COMMANDS.map(({ path }) => [path, `help ${path}`, `--help ${path}`]),
  ];
  for (const [path, ...others] of asked) {
    const wanted = await cliHere([...path!.split(" ").filter((word) => word !== ""), "--help"]);
    assert.equal(wanted.code, 0);
    for (const line of others) assert.deepEqual(await cliHere(line.split(" ")), wanted, line);
    for (const line of wanted.out.split("\n")) {
      if (/^ {2}-| {4}/.test(line)) assert.ok(line.length <= 80, line);
    }
  }
  const [program, group] = [await cliHere([]), await cliHere(["runs"])];
  assert.deepEqual([program.code, program.out, group.code, group.out], [2, "", 2, ""]);
  assert.match(group.error, /^Examples:\n[^]*\n {2}list {2,}List runs\n/);
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

Deno.test("the examples of every help are command lines that the command accepts", () => {
  const isWord = /"([^"]*)"|'([^']*)'|(\S+)/g;
  const streams = { columns: 80, write: () => {}, writeError: () => {} };
  for (const { examples } of COMMANDS) {
    for (const { line } of examples) {
      const [words] = line.split(" > ");
      const args = [...words!.matchAll(isWord)].map(([, ...texts]) => texts.join(""));
      const { path } = readCommandLine(args, "1.2.3", streams);
      assert.ok(line.startsWith(path), line);
    }
  }
});

Deno.test("options of every command may stand before a command, behind its group, and at its end", () => {
  const streams = { columns: 80, write: () => {}, writeError: assert.fail };
  const options = ["--json", "--no-color", "--no-progress", "--fields", "id", "--timeout", "9s"];
  for (const { path, arguments: wanted = [] } of COMMANDS) {
    const values = wanted.map(() => "x");
    const words = path.split(" ");
    for (let at = 0; at <= words.length; at++) {
      const args = [...words.slice(0, at), ...options, ...words.slice(at), ...values];
      const found = readCommandLine(args, "1.2.3", streams);
      assert.equal(found.path, path, args.join(" "));
      const { json, color, progress, fields, timeout } = { ...found.globals, ...found.options };
      assert.deepEqual(
        { json, color, progress, fields, timeout },
        { json: true, color: false, progress: false, fields: "id", timeout: "9s" },
        args.join(" "),
      );
    }
  }
});

Deno.test("a wrong command line ends with code 2, a sentence and the next step", async () => {
  const wrong: readonly (readonly [line: string, says: RegExp])[] = [
    ["rns", /Unknown command "rns" \(did you mean runs\?\)[^]*continuum --help/],
    ["runs cuont", /Unknown command "cuont" \(did you mean count\?\)[^]*continuum runs --help/],
    ["runs count --jsno", /Unknown option "--jsno" \(did you mean --json\?\)/],
    ["help rns", /Unknown command "rns"[^]*continuum --help/],
    ["rns --help", /Unknown command "rns"/],
    ["runs cuont -h", /Unknown command "cuont"[^]*continuum runs --help/],
    ["toString", /Unknown command "toString"[^]*continuum --help/],
    ["-- runs count", /found "--" before it, wanted the command first/],
    ["health --strict acknowledge x", /Unknown option "--strict"[^]*continuum health/],
    ["health --jsno acknowledge x", /Unknown option "--jsno"/],
    ["runs count extra", /Too many arguments: found "extra", wanted none\n[^]*runs count --help/],
    ["runs show", /Missing argument <id>: the run's id\n[^]*continuum runs show --help/],
    ["runs show a b", /Too many arguments: found "b", wanted at most 1\n/],
    ["runs count --json=3", /Cannot use --json: found the value "3", wanted none\n/],
    ["runs count --schema", /Cannot use --schema: found nothing after it, wanted <name>\n/],
    ["runs count -x", /Unknown option "-x"\n/],
    ["runs -- count", /found "--" before it[^]*continuum runs --help/],
    ["--yes cancel a", /Unknown option "--yes"/],
    ["runs count --__proto__", /Unknown option "--__proto__"/],
    ["runs count --json --jsonl", /Cannot print --json and --jsonl at once/],
    ["runs count --time realtive", /--time[^]*did you mean relative\?/],
    ["runs count --timeout soon", /--timeout/],
    ["runs count --timeout 5", /--timeout: found "5", wanted a duration such as 500ms, 30s/],
    ["replay .", /^USAGE: Cannot read file ".": is a directory$/m],
    ["runs list --workflow=", /--workflow: found "", wanted a text of at least one character/],
    ["runs list --namespace= --id o", /--namespace: found "", wanted a text/],
    ["start order 1e400", /number "1e400", which JavaScript can't hold exactly/],
    ["runs count --timeout 0s", /--timeout[^]*wanted more than 0/],
    ["runs count --fields cuont", /--fields[^]*did you mean count\?/],
    ["runs count --yes", /Unknown option "--yes"/],
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

Deno.test("a plan as JSON shows control characters and reversed text as escapes", async () => {
  const id = "o\u001b[2J\u202e\u0085";
  const args = ["cancel", "--dry-run", "--json", ...NOWHERE, "--", id];
  const { code, out } = await cliHere(args);
  assert.equal(code, 0);
  // deno-lint-ignore no-control-regex -- what must not be printed
  assert.doesNotMatch(out, /[\u001b\u0085\u202e]/);
  assert.deepEqual(JSON.parse(out), { dryRun: true, plan: [`cancel run ${id}`] });
});

Deno.test("a command line to copy passes the shell every argument as it is", async () => {
  const args = ["-dash", "it's $(id) `id`", "o\u001b[2J\u202e'\\u0041\n", "", '"..."'];
  const line = commandLine("signal", args, { namespace: "a b", "state": "-x" });
  // deno-lint-ignore no-control-regex -- what must not be printed
  assert.doesNotMatch(line, /[\u0000-\u001f\u202e]/);
  const words = await shellWords(line);
  assert.deepEqual(words, ["signal", "--namespace", "a b", "--state=-x", "--", ...args]);
});
