/**
 * A process that may read some files alone computes the hash that every other computes, or says
 * which file it lacks.
 *
 * @module
 */

import assert from "node:assert/strict";
import { makeFolder } from "../support/modules.ts";

const FILES = {
  "deno.json": JSON.stringify({ workspace: ["./lib"], imports: { n: "./n.ts" } }),
  "deno.lock": JSON.stringify({ version: "5" }),
  "package.json": "{}",
  "tsconfig.json": JSON.stringify({ extends: "./base.json" }),
  "base.json": JSON.stringify({ compilerOptions: { experimentalDecorators: true } }),
  "lib/deno.json": JSON.stringify({ compilerOptions: { jsxFactory: "h" } }),
  "lib/view.tsx": "export default 1;",
  "n.ts": "export const n: number = 1;",
  "order.ts": 'import "n"; import "./lib/view.tsx";',
};

/** Files that are not there, which decide as well. */
const ABSENT = ["lib/package.json", "lib/tsconfig.json"];

interface Answer {
  readonly hash?: string;
  readonly diagnostics?: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

async function ask(folder: string, readable: readonly string[]): Promise<Answer> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-lock", "--allow-env"],
      `--allow-read=${readable.map((name) => new URL(name, folder).pathname).join(",")}`,
      new URL("fidelity/hash.ts", import.meta.url).pathname,
      `${folder}order.ts`,
    ],
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  assert.ok(text.startsWith("{"), text + new TextDecoder().decode(stderr));
  return JSON.parse(text);
}

Deno.test("a process that may read single files has the hash, or names the file that it lacks", async () => {
  await using folder = await makeFolder(FILES);
  const all = [...Object.keys(FILES), ...ABSENT];
  const { hash } = await ask(folder.url, ["./"]);
  assert.match(hash ?? "", /^[0-9a-f]{64}$/);
  // The root of a workspace: nothing above it is asked.
  assert.deepEqual(await ask(folder.url, all), { hash, diagnostics: [] });
  for (const missing of all) {
    const answer = await ask(folder.url, all.filter((name) => name !== missing));
    assert.equal(answer.hash, undefined, missing);
    assert.ok(answer.message?.includes(missing), `${missing}: ${answer.message}`);
    const isModule = /\.tsx?$/.test(missing);
    assert.equal(answer.code, isModule ? "MODULE_UNREADABLE" : "CONFIG_INVALID", missing);
  }
});
