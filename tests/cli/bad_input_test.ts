/**
 * What the command line makes of databases that it can't use, readers that go away, and Ctrl-C.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cli, cliHere } from "../support/cli.ts";
import { CliWorld } from "../support/cli_world.ts";
import { postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { ReaderGone } from "../../src/cli/terminal.ts";

Deno.test("a schema of another release is refused, with the side that is older, and left as it is", async () => {
  await using world = await CliWorld.make();
  const { db } = world;
  const versions = () => db.query("select version, name from {schema}.schema_versions order by 1");
  await db.query("insert into {schema}.schema_versions values (99, 'later', 'x')");
  const newer = await versions();
  for (const command of ["runs list", "migrate", "migrate --check"]) {
    const { code, error } = await world.here(command.split(" "));
    assert.equal(code, 5, error);
    assert.match(error, /^SCHEMA_TOO_NEW: [^]*The command line is older than the schema/, command);
  }
  assert.deepEqual(await versions(), newer);
  await db.query("delete from {schema}.schema_versions where version > 5");
  const older = await versions();
  const { code, error } = await world.here(["runs", "list"]);
  assert.equal(code, 5, error);
  assert.match(error, /^SCHEMA_TOO_OLD: [^\n]*found version 5[^]*is older than the command line/);
  assert.match(error, /continuum migrate/);
  const check = await world.here(["migrate", "--check"]);
  assert.equal(check.code, 3);
  assert.match(check.out, /: 5 → \d+ \(6_\w+/);
  const plan = await world.here(["migrate", "--dry-run"]);
  assert.deepEqual([plan.code, await versions()], [0, older]);
});

Deno.test("a role without rights is refused in a sentence that names the right", async () => {
  await using world = await CliWorld.make();
  const { db } = world;
  const role = `cli_${db.schema}`;
  await db.query(`create role ${role} login`);
  try {
    await db.query(`grant usage on schema {schema} to ${role}`);
    const url = new URL(postgresUrl());
    url.username = role;
    const { code, error } = await cliHere([
      ...["runs", "list", "--database", url.href, "--schema", db.schema],
    ]);
    assert.equal(code, 5, error);
    assert.match(error, /^DATABASE_UNSUITABLE: [^\n]*right/);
  } finally {
    await db.query(`drop owned by ${role}`);
    await db.query(`drop role ${role}`);
  }
});

Deno.test("a reader that goes away ends the command with code 0, and without an error", async () => {
  await using world = await CliWorld.make();
  let written = 0;
  const ended = await world.here(["migrate", "--check"], {
    write: () => {
      written++;
      throw new ReaderGone();
    },
  });
  assert.deepEqual([ended.code, ended.error, written], [0, "", 1]);
  const { code, out, error } = await piped(world, "set -o pipefail; continuum --help | true");
  assert.deepEqual([code, out, error], [0, "", ""]);
});

Deno.test("Ctrl-C ends a command with code 130, and --timeout with 124, whatever the database does", async () => {
  await using world = await CliWorld.make();
  await using listener = new SilentServer();
  const nowhere = ["runs", "list", "--database", listener.url];
  const command = world.spawn(nowhere);
  await listener.reached;
  command.kill("SIGINT");
  const { code, out, error } = await command.ended();
  assert.deepEqual([code, out, error], [130, "", "INTERRUPTED: The command was interrupted\n"]);
  const slow = await cli([...nowhere, "--timeout", "1ms"]);
  assert.equal(slow.code, 124);
  assert.match(slow.error, /^TIMED_OUT: /);
});

Deno.test("an id that begins with a dash follows --, and one with control characters is escaped", async () => {
  await using world = await CliWorld.make();
  const options = ["--database", postgresUrl(), "--schema", world.db.schema];
  const dash = await cliHere(["runs", "show", ...options, "--", "--json"]);
  assert.equal(dash.code, 4, dash.error);
  assert.match(dash.error, /^RUN_NOT_FOUND: [^\n]*"--json"/);
  const escaped = await world.here(["runs", "show", "a\u001b[2Jb"]);
  assert.equal(escaped.code, 4);
  assert.match(escaped.error, /"a\\\\?u001b\[2Jb"/);
});

Deno.test("a database in a folder is read by one process, and a second one says who has it", async () => {
  await using folder = await makeFolder({});
  const cwd = decodeURIComponent(new URL(folder.url).pathname);
  const database = ["--database", `pglite:${cwd}data`];
  const made = await cli(["migrate", ...database]);
  assert.equal(made.code, 0, made.error);
  const held = await pglite(`${cwd}data`).open();
  try {
    const { code, error } = await cli(["runs", "list", ...database]);
    assert.equal(code, 7, error);
    assert.match(error, /^DATABASE_IN_USE: [^]*Close the process/);
  } finally {
    await held.close();
  }
  const { code, out } = await cli(["runs", "count", ...database]);
  assert.deepEqual([code, out], [0, "0\n"]);
});

/** Runs a line of a shell in which `continuum` is a command. */
async function piped(world: CliWorld, line: string) {
  const main = new URL("../../src/cli/main.ts", import.meta.url).href;
  const define = `continuum() { "${Deno.execPath()}" run -A --no-check --quiet "${main}" "$@"; }`;
  const command = new Deno.Command("bash", { args: ["-c", `${define}; ${line}`], cwd: world.cwd });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

/** Accepts connections, and never answers. */
class SilentServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.Conn[] = [];
  readonly #accepting: Promise<void>;
  readonly #reached = Promise.withResolvers<void>();

  constructor() {
    this.#accepting = this.#accept();
  }

  get url(): string {
    return `postgres://nobody@127.0.0.1:${this.#listener.addr.port}/none`;
  }

  /** Resolves when a process has connected. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      this.#connections.push(connection);
      this.#reached.resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const connection of this.#connections) connection.close();
  }
}

Deno.test("a condition without a part, or of another type, is refused and selects no run", async () => {
  await using world = await CliWorld.make();
  for (const where of ["[]", "{}", "null", "5", `"x"`, `{"and":[]}`, `{"or":[{}]}`]) {
    for (const line of [["runs", "list"], ["runs", "count"], ["runs", "upgrade", "--dry-run"]]) {
      const { code, error } = await world.here([...line, "--workflow", "w", "--where", where]);
      assert.equal(code, 2, `${line.join(" ")} ${where}: ${error}`);
      assert.match(error, /^(INVALID_ARGUMENT|USAGE): Cannot use /);
    }
  }
});

Deno.test("a file that can't be read or written, and a server of modules that is away, have a code and a sentence", async () => {
  await using world = await CliWorld.make();
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [
      ["runs", "upgrade", "--plan", "/none"],
      4,
      /^NOT_FOUND: Cannot read file "\/none": no such file or directory\n/,
    ],
    [["start", "echo", "@/none"], 4, /^NOT_FOUND: Cannot read file "\/none": no such file/],
    [["replay", world.cwd], 2, /^USAGE: Cannot read file .*: is a directory\n/],
    [["versions", "hash", "http://127.0.0.1:1/x.ts"], 7, /^FETCH_FAILED: Cannot fetch /],
  ];
  for (const [line, wanted, says] of cases) {
    const { code, error } = await world.here(line);
    assert.equal(code, wanted, error);
    assert.match(error, says);
  }
});
