/**
 * Packages that many use, as modules of a version: they do from verified bytes what they do where
 * the runtime executes them.
 *
 * @module
 */

import assert from "node:assert/strict";
import dateFns from "date-fns/package.json" with { type: "json" };
import immer from "immer/package.json" with { type: "json" };
import lodash from "lodash-es/package.json" with { type: "json" };
import nanoid from "nanoid/package.json" with { type: "json" };
import uuid from "uuid/package.json" with { type: "json" };
import zod from "zod/package.json" with { type: "json" };
import { Loader } from "../../src/version/load/loader.ts";
import { runNatively, runnerFiles, runVerified } from "./fidelity/compare.ts";
import { makeFolder } from "../support/modules.ts";

/** Which of a package's files a program may reach. */
const PACKAGES:
  readonly (readonly [{ readonly name: string; readonly version: string }, RegExp])[] = [
    [dateFns, /^(\w+|(\w+\/)?_lib\/.*|locale\/(en-US|de)(\/.*)?)\.js$/],
    [immer, /^dist\/immer\.mjs$/],
    [lodash, /\.js$/],
    [nanoid, /^(index\.browser|non-secure\/index|url-alphabet\/index)\.js$/],
    [zod, /^v4\/.*\.js$/],
    [uuid, /^dist\/.*\.js$/],
  ];

const PROGRAMS = [
  `import { addMonths, differenceInCalendarDays, eachDayOfInterval, intervalToDuration, isValid,
  parseISO } from "./date-fns/index.js";
const at = new Date(Date.UTC(2024, 0, 31, 12));
say(addMonths(at, 1), isValid(new Date(NaN)), parseISO("2024-02-30"));
say(intervalToDuration({ start: at, end: new Date(Date.UTC(2026, 5, 1)) }));
export default [differenceInCalendarDays(new Date(Date.UTC(2025, 0, 1)), at),
  eachDayOfInterval({ start: at, end: addMonths(at, 1) })];`,
  `import { format } from "./date-fns/format.js";
import { formatDistance } from "./date-fns/formatDistance.js";
import { parse } from "./date-fns/parse.js";
import { de } from "./date-fns/locale/de.js";
const at = new Date(Date.UTC(2024, 1, 29, 23, 59));
say(format(at, "PPPPpppp"), format(at, "EEEE, do MMMM yyyy", { locale: de }));
say(formatDistance(at, new Date(0)), formatDistance(at, new Date(0), { locale: de }));
say(parse("29.02.2024", "dd.MM.yyyy", new Date(0)));
export default format(at, "YYYY");`,
  `import { add, chunk, cloneDeep, debounce, flow, groupBy, isEqual, memoize, merge, template }
  from "./lodash-es/lodash.js";
import _ from "./lodash-es/lodash.default.js";
say(chunk([1, 2, 3, 4, 5], 2), groupBy([6.1, 4.2, 6.3], Math.floor));
say(merge({ a: [{ b: 2 }] }, { a: [{ c: 3 }] }), isEqual(cloneDeep({ a: new Map([[1, 2]]) }), {}));
say(_([1, 2, 3]).map((n: number) => n * 2).reverse().value(), flow([add, String])(1, 2));
say(typeof debounce, memoize((n: number) => n).cache.size, _.VERSION);
export default template("hello <%= name %>!")({ name: "<b>" });`,
  `import { applyPatches, enablePatches, produce, produceWithPatches } from "./immer/dist/immer.mjs";
enablePatches();
const base = { list: [1, 2], deep: { a: 1 } };
const [next, patches, back] = produceWithPatches(base, (draft: any) => { draft.list.push(3); delete draft.deep.a; });
say(next, patches, back, applyPatches(next, back), next.list === base.list);
export default produce(next, (draft: any) => { draft.list = 1; return { ...draft }; });`,
  `import { applyPatches, enableMapSet, produce, current, original, isDraft } from "./immer/dist/immer.mjs";
enableMapSet();
say(produce({ m: new Map([["a", { n: 1 }]]) }, (draft: any) => { draft.m.get("a").n++; say(isDraft(draft), current(draft), original(draft)); }));
try { produce({}, (draft: any) => { draft.a = 1; return 2; }); } catch (error) { say(String(error)); }
try { Object.assign(produce({ a: 1 }, () => {}), { a: 2 }); } catch (error) { say(String(error)); }
export default typeof applyPatches;`,
  `import { customRandom, urlAlphabet } from "./nanoid/index.browser.js";
import { customAlphabet } from "./nanoid/non-secure/index.js";
say(urlAlphabet, customAlphabet("a", 5)());
export default customRandom("abcdef", 10, (n: number) => new Uint8Array(n).map((_, i) => i))();`,
  `import * as uuid from "./uuid/dist/index.js";
const random = new Uint8Array(16).fill(7);
say(Object.keys(uuid), uuid.v4({ random }), uuid.v5("hello", uuid.v5.URL), uuid.v3("hello", uuid.v3.DNS));
say(uuid.v7({ random, msecs: 1_700_000_000_000, seq: 1 }), uuid.validate("nope"));
export default uuid.parse("nope");`,
  `import * as z from "./zod/v4/classic/external.js";
const Order = z.object({ id: z.string().min(2), items: z.array(z.object({ price: z.number().positive() })) })
  .refine((order: any) => order.items.length > 0, { error: "nothing" });
say(Order.safeParse({ id: "a", items: [{ price: -1 }], more: 1 }), Order.safeParse({ id: "ab", items: [] }));
say(z.toJSONSchema(z.union([z.iso.datetime(), z.literal(3)])), z.email().safeParse("a@b").success);
export default Order.parse({ id: "ab" });`,
];

Deno.test({
  name: "packages that many use come to the same from verified bytes",
  sanitizeOps: false,
  async fn() {
    const files = { ...await runnerFiles(), "deno.json": "{}", ...await packageFiles() };
    PROGRAMS.forEach((source, i) => Object.assign(files, { [`p${i}.ts`]: source }));
    await using folder = await makeFolder(files);
    const urls = PROGRAMS.map((_, i) => `${folder.url}p${i}.ts`);
    const native = await runNatively(folder.url, urls);
    const loader = new Loader();
    for (const [i, url] of urls.entries()) {
      assert.deepEqual(await runVerified(loader, url), native[i], PROGRAMS[i]);
      assert(native[i]!.seen.length > 0, native[i]!.error ?? PROGRAMS[i]);
    }
    assert.deepEqual(
      native.map(({ error }) => error?.split(":")[0] ?? null),
      [null, "RangeError", null, "Error", null, null, "TypeError", "ZodError"],
    );
  },
});

/** The packages' files, by the path of a program's import; from where the runtime keeps them. */
async function packageFiles(): Promise<Record<string, string>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache: string };
  const files: Record<string, string> = {};
  for (const [{ name, version }, wanted] of PACKAGES) {
    const root = `${npmCache}/registry.npmjs.org/${name}/${version}/`;
    for await (const path of walk(root, "")) {
      if (wanted.test(path)) files[`${name}/${path}`] = await Deno.readTextFile(root + path);
    }
  }
  return files;
}

async function* walk(root: string, folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(root + folder)) {
    if (isDirectory) yield* walk(root, `${folder}${name}/`);
    else yield folder + name;
  }
}
