/**
 * Every example does what the comment at its end says, as a newcomer runs it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { postgresUrl } from "../support/database.ts";
import { deno } from "../support/processes.ts";
import { PROJECT, projectFiles } from "../support/project.ts";

const PRINTS = "\n// Prints:\n";
const MOST_LINES = 60;
const AT_ONCE = 3;

/** Databases in memory start faster; nothing else is otherwise than for a newcomer. */
const PRELOAD = ["--preload", new URL("tests/support/primed_pglite.ts", PROJECT).href];

const examples = (await projectFiles("examples", ".ts"))
  .filter((file) => /^examples\/(\d\d_\w+|ports\/\w+\/main|db_postgres\/main)\.ts$/.test(file));

async function check(file: string): Promise<void> {
  const url = new URL(file, PROJECT);
  const [program, prints] = (await Deno.readTextFile(url)).split(PRINTS);
  assert(prints !== undefined, `${file} does not end with what it prints`);
  // One example wants a server.
  const env = file.includes("/db_postgres/") ? { DATABASE_URL: postgresUrl() } : {};
  const { output, errors, code } = await deno(
    ["run", "-A", "--quiet", ...PRELOAD, url.href],
    { env },
  );
  assert.equal(output.replaceAll(/ +$/gm, ""), prints.replaceAll(/^\/\/ ?/gm, ""), errors);
  assert.equal(code, 0, errors);
  const lines = program!.trimEnd().split("\n").length;
  assert(lines <= MOST_LINES, `found ${lines} lines, wanted at most ${MOST_LINES}`);
}

// Steps that run at the same time can't tell whose resources are whose.
const shared = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

Deno.test({
  name: "every example prints what it says, and is short",
  ...shared,
  fn: async (t) => {
    const rest = [...examples];
    const lane = async () => {
      for (let file = rest.shift(); file !== undefined; file = rest.shift()) {
        const name = file;
        await t.step({ name, ...shared, fn: () => check(name) });
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
