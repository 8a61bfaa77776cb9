/** The page of errors, and the codes in the source. */
import * as assert from "node:assert/strict";
import { EXPLANATIONS } from "../../src/base/error_codes/explain.ts";
import { findCodes, makePage } from "../../tools/gen_errors.ts";

Deno.test("docs/errors.md is what tools/gen_errors.ts makes", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/errors.md", import.meta.url));
  assert.equal(page, await makePage());
});

Deno.test("a class has each code that is explained, and no other", async () => {
  const codes = (await findCodes()).map(({ code }) => code);
  assert.deepEqual(codes.sort(), Object.keys(EXPLANATIONS).sort());
});

Deno.test("the source throws every code that is explained", async () => {
  const texts: string[] = [];
  const read = async (folder: URL): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory && name !== "error_codes") await read(new URL(`${name}/`, folder));
      else if (name.endsWith(".ts")) texts.push(await Deno.readTextFile(new URL(name, folder)));
    }
  };
  await read(new URL("../../src/", import.meta.url));
  // Outside of the types that list codes and of checks.
  const source = texts.join("\n")
    .replace(/^export type \w+ErrorCode =[^;]*;/gm, "")
    .replace(/class \w+[^{}]*?extends ContinuumError<[^{]*\{/g, "")
    .replace(/isContinuumError\([^)]*\)/g, "");
  const missing = Object.keys(EXPLANATIONS).filter((code) => !source.includes(`"${code}"`));
  assert.deepEqual(missing, []);
});

Deno.test("every class of errors names its codes", async () => {
  const { nodes } = JSON.parse(
    new TextDecoder().decode(
      (await new Deno.Command(Deno.execPath(), {
        args: ["doc", "--json", "mod.ts"],
        cwd: new URL("../..", import.meta.url),
      }).output()).stdout,
    ),
  );
  const classes = new Set((await findCodes()).map(({ className }) => className));
  const names = Object.values<{ symbols: { name: string }[] }>(nodes).flatMap(({ symbols }) =>
    symbols.map(({ name }) => name)
  );
  const errors = names.filter((name) => /^[A-Z].*Error$/.test(name) && name !== "ContinuumError");
  assert.deepEqual(errors.filter((name) => !classes.has(name)), []);
});
