/**
 * Every example does what the comment at its end says, as a newcomer runs it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { postgresUrl } from "../support/database.ts";
import { deno, type Ended } from "../support/processes.ts";
import { PROJECT, projectFiles } from "../support/project.ts";
import { TURN } from "../support/run_in_turn.ts";
import { partOf } from "../support/thoroughness.ts";

const PRINTS = "\n// Prints:\n";
const MOST_LINES = 60;
const AT_ONCE = 3;

/** Databases in memory start faster; nothing else is otherwise than for a newcomer. */
const PRELOAD = ["--preload", new URL("tests/support/primed_pglite.ts", PROJECT).href];

/** Runs programs in turn, in one process: to start one for each costs three times as much. */
const IN_TURN = new URL("tests/support/run_in_turn.ts", PROJECT).href;

const examples = (await projectFiles("examples", ".ts"))
  .filter((file) => /^examples\/(\d\d_\w+|ports\/\w+\/main|db_postgres\/main)\.ts$/.test(file));

/** Each time, others run in processes of their own, as a newcomer runs them. */
const alone = new Set(partOf(examples));

/** Runs what shares a process, or one that has its own. */
async function run(files: readonly string[]): Promise<Ended & { readonly outputs: string[] }> {
  const urls = files.map((file) => new URL(file, PROJECT).href);
  const program = urls.length === 1 ? urls : [IN_TURN, ...urls];
  const ended = await deno(
    ["run", "-A", "--quiet", ...PRELOAD, ...program],
    { env: { DATABASE_URL: postgresUrl() } }, // one example wants a server
  );
  const outputs = urls.length === 1 ? [ended.output] : ended.output.split(TURN).slice(1).map(
    (output) => output.slice(output.indexOf("\n") + 1),
  );
  return { ...ended, outputs };
}

async function check(files: readonly string[]): Promise<void> {
  const { outputs, errors, code } = await run(files);
  for (const [index, output] of outputs.entries()) {
    const file = files[index]!;
    const [program, prints] = (await Deno.readTextFile(new URL(file, PROJECT))).split(PRINTS);
    assert(prints !== undefined, `${file} does not end with what it prints`);
    const wanted = prints.replaceAll(/^\/\/ ?/gm, "");
    assert.equal(output.replaceAll(/ +$/gm, ""), wanted, `${file}: ${output}${errors}`);
    const lines = program!.trimEnd().split("\n").length;
    assert(lines <= MOST_LINES, `${file} has ${lines} lines, wanted at most ${MOST_LINES}`);
  }
  assert.equal(code, 0, errors);
  assert.equal(outputs.length, files.length, errors);
}

// Steps that run at the same time can't tell whose resources are whose.
const shared = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

Deno.test({
  name: "every example prints what it says, and is short",
  ...shared,
  fn: async (t) => {
    const together = examples.filter((file) => !alone.has(file));
    const half = Math.ceil(together.length / 2);
    const parts = [together.slice(0, half), together.slice(half), ...[...alone].map((one) => [one])]
      .filter((files) => files.length > 0);
    const lane = async () => {
      for (let files = parts.shift(); files !== undefined; files = parts.shift()) {
        const part = files;
        await t.step({ name: part.join(", "), ...shared, fn: () => check(part) });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  },
});

Deno.test("examples are numbered without gaps, and each is in their list", async () => {
  const numbered = examples.filter((file) => !file.endsWith("/main.ts"))
    .map((file) => file.slice("examples/".length));
  assert.deepEqual(
    numbered.map((file) => Number(file.slice(0, 2))),
    numbered.map((_, index) => index + 1),
  );
  const list = await Deno.readTextFile(new URL("examples/README.md", PROJECT));
  assert.deepEqual(numbered.filter((file) => !list.includes(`[${file}](${file})`)), []);
});
