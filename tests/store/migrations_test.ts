/**
 * The migrations that the engine carries.
 *
 * @module
 */

import assert from "node:assert/strict";

Deno.test("the generated module holds the migrations as they stand", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-R", "tools/gen_migrations.ts", "--check"],
    cwd: new URL("../../", import.meta.url),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});
