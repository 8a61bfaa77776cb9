/**
 * The page about the command line shows what happens: its transcript is executed in a clean folder.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CLEAN } from "../support/cli.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { PROJECT } from "../support/project.ts";
import { execute, linesOf, masked } from "../support/transcript.ts";

Deno.test("the commands of docs/cli.md print what the page shows, with those exit codes", async () => {
  const page = await Deno.readTextFile(new URL("docs/cli.md", PROJECT));
  const shown = linesOf(page);
  assert(shown.length > 20, "the page has a transcript");
  await using db = await emptyPostgres();
  const modules = [...page.matchAll(/^```ts\n\/\/ (\S+\.ts)\n([^]*?)^```$/gm)];
  const main = new URL("tests/support/cli_on_terminal.ts", PROJECT).href;
  await using folder = await makeFolder({
    ...Object.fromEntries(modules.map(([, path, text]) => [path!, text!])),
    "bin/continuum":
      `#!/bin/sh\nexec "${Deno.execPath()}" run -A --no-check --quiet "${main}" "$@"\n`,
  });
  const cwd = decodeURIComponent(new URL(folder.url).pathname).replace(/\/$/, "");
  await Deno.chmod(`${cwd}/bin/continuum`, 0o755);
  const found = await execute(shown.map(({ command }) => command), {
    cwd,
    env: {
      ...CLEAN,
      DATABASE_URL: postgresUrl(),
      CONTINUUM_SCHEMA: db.schema,
      NO_COLOR: "1",
      USER: "ada",
      PATH: `${cwd}/bin:${Deno.env.get("PATH")}`,
    },
  });
  for (const [index, { command, output, isHidden }] of shown.entries()) {
    if (isHidden) continue;
    const { output: printed, status } = found[index]!;
    assert.equal(masked(printed), masked(output), `$ ${command}`);
    const isSaid = shown[index + 1]?.command === "echo $?";
    assert(status === 0 || isSaid, `$ ${command} ended with ${status}, which the page must say`);
  }
});
