/**
 * `completion`: what shells complete.
 *
 * @module
 */

import assert from "node:assert/strict";
import { COMMANDS } from "../../src/cli/catalogue.gen.ts";
import { cli, cliHere } from "../support/cli.ts";

const { code, out: SCRIPT } = await cliHere(["completion", "bash"]);
assert.equal(code, 0);

/** Runs a script in a shell; `null`: the shell is not there. */
async function shell(program: string, args: readonly string[], input: string) {
  try {
    const child = new Deno.Command(program, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), error: text(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** What bash offers for each unfinished line, after which the cursor stands. */
async function offered(...lines: readonly string[]): Promise<string[][]> {
  const asks = lines.map((line) => {
    const words = ["continuum", ...line.split(" ")].map((word) => `'${word}'`);
    return `COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}
      _continuum; echo "\${COMPREPLY[*]}"`;
  });
  const ended = await shell("bash", ["--norc"], `${SCRIPT}\n${asks.join("\n")}\n`);
  assert(ended !== null && ended.error === "", ended?.error);
  return ended.out.split("\n").slice(0, lines.length)
    .map((line) => line.split(" ").filter((word) => word !== ""));
}

Deno.test("bash completes commands, their options and those of every command", async () => {
  const [all, some, group, own, shared, acting, value, after, argument, both] = await offered(
    "",
    "s",
    "runs re",
    "start order --if",
    "runs count --name",
    "terminate a --d",
    "start order --key ",
    "--schema x runs c",
    "cancel a ",
    "health ack",
  );
  assert.deepEqual(all, [...new Set(COMMANDS.map(({ path }) => path.split(" ")[0]!))]);
  assert.deepEqual(some!.sort(), ["schedules", "signal", "start"]);
  assert.ok(group!.includes("retry") && group!.every((word) => word.startsWith("re")));
  assert.deepEqual(own, ["--if-exists"]);
  assert.deepEqual(shared, ["--namespace"]);
  assert.deepEqual(acting!.sort(), ["--database", "--dry-run"]);
  assert.deepEqual([value, argument], [[], []], "bash offers files then");
  assert.ok(after!.includes("count"));
  assert.deepEqual(both, ["acknowledge"]);
});

Deno.test("zsh and fish read their scripts, and complete as bash does", async () => {
  for (const [program, check] of [["zsh", ["-n"]], ["fish", ["--no-execute"]]] as const) {
    const { code, out } = await cliHere(["completion", program]);
    assert.equal(code, 0);
    for (const { path } of COMMANDS) assert.ok(out.includes(path), `${program}: ${path}`);
    const read = await shell(program, check, out);
    if (read !== null) assert.deepEqual([read.code, read.error], [0, ""], program);
  }
});

Deno.test("completion of another name or an unknown shell", async () => {
  const renamed = await cliHere(["completion", "bash", "--program", "ctm"]);
  assert.match(renamed.out, /^complete -o default -F _ctm ctm$/m);
  const refused = await cli(["completion", "bsh"]);
  assert.equal(refused.code, 2);
  assert.match(refused.error, /the shell: found "bsh"[^]*did you mean bash/);
  assert.equal((await cliHere(["completion", "bash", "--program", "a; rm"])).code, 2);
});
