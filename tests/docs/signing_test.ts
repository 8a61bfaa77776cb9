/**
 * `docs/signing.md`: every command is executed in a clean folder, and prints what the page shows.
 *
 * @module
 */

import assert from "node:assert/strict";
import { followPage, masked } from "../support/transcript.ts";

/** Replaces keys, which differ from one execution to the next. */
function withoutKeys(text: string): string {
  return masked(text).replace(/^[\w-]{43}$/gm, "KEY");
}

Deno.test("the commands of docs/signing.md make keys, sign, bring and add signatures as the page shows", async () => {
  await followPage("docs/signing.md", {
    least: 8,
    mask: withoutKeys,
    after: async (cwd) => {
      const { mode } = await Deno.stat(`${cwd}/release.pem`);
      assert.equal(mode! & 0o777, 0o600, "the private key is its owner's alone");
    },
  });
});
