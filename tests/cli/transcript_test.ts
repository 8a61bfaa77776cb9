/**
 * The page about the command line shows what happens: its transcript is executed in a clean folder.
 *
 * @module
 */

import { followPage, masked } from "../support/transcript.ts";

Deno.test("the commands of docs/cli.md print what the page shows, with those exit codes", async () => {
  await followPage("docs/cli.md", { least: 20, mask: masked });
});
