/**
 * Places in code are shown as their author knows them: by the file where a process has read it, by
 * path, workflow and hash where it has not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { PROJECT } from "../support/project.ts";
import { makeFolder } from "../support/modules.ts";
import { deno } from "../support/processes.ts";
import { openIn, reached, resultOf } from "../support/runs.ts";

const HEAD = `import { defineWorkflow } from "@continuum/continuum/workflow";\n`;
const FAILS = (body: string) =>
  HEAD + `import { fail } from "./lib/fail.ts";
export default defineWorkflow({ name: "order" }, async (ctx) => {
  ${body}
});
`;
const FILES = {
  "step.ts": FAILS(
    `await ctx.run("fail", () => fail("in a step"), { retry: { maxAttempts: 1 } });`,
  ),
  "code.ts": FAILS(`await ctx.sleep(1); fail("in the workflow");`),
  "clock.ts": FAILS(`await fetch("https://example.com"); fail("never");`),
  "lib/fail.ts": `type Word = string;

export function fail(word: Word): never {
  throw new RangeError(word);
}
`,
};

interface Told {
  readonly error?: string;
  readonly cause?: string;
  readonly stuck: { message: string; details: { site: { file: string; line: number } } } | null;
}

for (
  const [file, state] of [["step.ts", "failed"], ["code.ts", "failed"], [
    "clock.ts",
    "stuck_nondeterminism",
  ]] as const
) {
  Deno.test(`the locations of ${file} are shown by the process that has it, and by one that has not`, async () => {
    await using db = await emptyPostgres();
    await using folder = await makeFolder(FILES);
    await using node = await openIn(db, { workflows: [folder.url + file] });
    const run = await node.start("order");
    const status = await reached(run, state);
    const told = await deno(
      [
        ...["run", "-A", "--quiet", new URL("tests/e2e/describe_run.ts", PROJECT).href],
        ...[JSON.stringify({ database: postgresUrl(), schema: db.schema }), run.id],
      ],
    );
    const away = JSON.parse(told.output) as Told;
    const of = `of order ${status.version.hash.slice(0, 12)}`;
    if (state === "failed") {
      const thrown = await resultOf(run).catch((error) => error) as Error;
      for (const error of [status.error, thrown.cause] as Error[]) {
        assert(error.stack!.includes(`at fail (${folder.url}lib/fail.ts:4:9)`), error.stack);
        assert(error.stack!.includes(`${folder.url}${file}:4:`), error.stack);
      }
      for (const stack of [away.error, away.cause]) {
        assert(stack!.includes(`at fail (lib/fail.ts:4:9 ${of})`), stack);
        assert.match(stack!, new RegExp(`${file}:4:\\d+ ${of}`));
      }
      return;
    }
    const { message, details } = status.stuck! as NonNullable<Told["stuck"]>;
    assert(message.includes(`at ${folder.url}clock.ts:4:9`), message);
    assert.deepEqual([details.site.file, details.site.line], [`${folder.url}clock.ts`, 4]);
    assert(away.stuck!.message.includes(`at clock.ts:4:9 ${of}`), away.stuck!.message);
    assert.equal(away.stuck!.details.site.file, `clock.ts ${of}`);
  });
}

Deno.test("an import that throws is reported with the author's file and line", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder({
    "order.ts": HEAD + `import { fail } from "./lib/fail.ts";\nfail("at import");\n`,
    "lib/fail.ts": FILES["lib/fail.ts"],
  });
  await assert.rejects(
    openIn(db, { workflows: [`${folder.url}order.ts`] }),
    (error: Error) => {
      assert.match(error.message, new RegExp(`Cannot import ${folder.url}order\\.ts: it threw`));
      const { stack } = error.cause as Error;
      assert(stack!.includes(`at fail (${folder.url}lib/fail.ts:4:9)`), stack);
      assert(!stack!.includes("continuum:"), stack);
      return true;
    },
  );
});
