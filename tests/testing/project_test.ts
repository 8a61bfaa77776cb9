/**
 * A project outside the checkout follows docs/testing.md to the letter.
 *
 * @module
 */

import assert from "node:assert/strict";
import { deno } from "../support/processes.ts";
import { PROJECT } from "../support/project.ts";
import { makeFolder } from "../support/modules.ts";

const PAGE = await Deno.readTextFile(new URL("docs/testing.md", PROJECT));

function program(path: string): string {
  const block = PAGE.split("```ts\n").find((text) => text.startsWith(`// ${path}\n`));
  assert(block !== undefined, `docs/testing.md shows ${path}`);
  return block.slice(0, block.indexOf("```"));
}

Deno.test("the tests of the documentation pass in a project of their own, with types and sanitizers", async () => {
  await using folder = await makeFolder({
    "deno.json": JSON.stringify({
      links: [decodeURIComponent(PROJECT.pathname)],
      imports: { "@continuum/continuum": "jsr:@continuum/continuum@^0.1.0" },
      compilerOptions: { exactOptionalPropertyTypes: true },
      test: { sanitizeOps: true, sanitizeResources: true },
    }),
    "workflows/order.ts": program("workflows/order.ts"),
    "workflows/order_test.ts": program("workflows/order_test.ts"),
  });
  const cwd = new URL(folder.url).pathname;
  const { output, errors, code } = await deno(["test", "-A"], { cwd });
  assert.equal(code, 0, output + errors);
  assert.match(output, /2 passed \| 0 failed/);
});
