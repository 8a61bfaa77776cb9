/**
 * `deno task test`: everything, on PGlite and on a real Postgres. The server is the one that
 * `DATABASE_URL` names, else one that is started for this and removed afterwards. Arguments go to
 * `deno test`, in front of the folders unless they name some.
 *
 * @module
 */

import { startPostgres } from "../tests/support/embedded_postgres.ts";

const FOLDERS = ["src", "tests"];

async function main(): Promise<number> {
  // The tests hear an interrupt too, and end by it: then there is a server to be removed.
  Deno.addSignalListener("SIGINT", () => {});
  const given = Deno.env.get("DATABASE_URL");
  if (given !== undefined) return await test(given);
  await using server = await startPostgres();
  return await test(server.url);
}

async function test(postgres: string): Promise<number> {
  const named = Deno.args.some((arg) => !arg.startsWith("-"));
  const process = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--parallel", ...Deno.args, ...(named ? [] : FOLDERS)],
    env: { CONTINUUM_TEST_POSTGRES: postgres },
    stdout: "piped",
  }).spawn();
  let tail = "";
  const decoder = new TextDecoder();
  for await (const bytes of process.stdout) {
    await Deno.stdout.write(bytes);
    tail = (tail + decoder.decode(bytes, { stream: true })).slice(-4_000);
  }
  const { code } = await process.status;
  const last = tail.split("\n").findLast((line) => / passed.*\| \d+ failed/.test(line)) ?? "";
  say(`${count(last, "passed")} passed, ${count(last, "failed")} failed`);
  return code;
}

/** Tests and their steps, from Deno's own last line: `12 passed (34 steps) | 1 failed (2 steps)`. */
function count(line: string, word: string): number {
  const found = new RegExp(`(\\d+) ${word}(?: \\((\\d+) steps?\\))?`).exec(line);
  return Number(found?.[1] ?? 0) + Number(found?.[2] ?? 0);
}

function say(text: string): void {
  // deno-lint-ignore no-console -- a tool speaks to its user
  console.log(text);
}

Deno.exit(await main());
