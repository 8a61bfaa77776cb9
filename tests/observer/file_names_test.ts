import assert from "node:assert/strict";
import { withoutFolders } from "../../src/observer/file_names.ts";

Deno.test("FOLDER-1: a message names a file without its folders, and a value stays as it is", () => {
  const text = "Cannot call fetch at file:///srv/app/a%20b/rates.ts:5:24: use ctx.run";
  const shown = "Cannot call fetch at rates.ts:5:24: use ctx.run";
  const given = {
    run: { stuck: { code: "X", message: text }, error: { name: "Error", message: text } },
    runs: [{ reasons: { node: { message: text } }, input: { message: text } }],
    findings: [{ message: `${text} and "file:///x.ts"`, url: text }],
    message: "see https://app.example/file:x and file.ts",
  };
  assert.deepEqual(withoutFolders(given), {
    run: { stuck: { code: "X", message: shown }, error: { name: "Error", message: text } },
    runs: [{ reasons: { node: { message: shown } }, input: { message: text } }],
    findings: [{ message: `${shown} and "x.ts"`, url: text }],
    message: "see https://app.example/file:x and file.ts",
  });
});
