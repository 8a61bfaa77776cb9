/**
 * Random input of each kind that comes from outside: it is taken, or refused by an error of ours.
 * The seed of a failure is in its message.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isContinuumError } from "../../src/base/errors.ts";
import { decode, encode } from "../../src/base/values.ts";
import { Done, UsageError } from "../../src/cli/errors.ts";
import { COMMANDS } from "../../src/cli/catalogue.gen.ts";
import { readCommandLine } from "../../src/cli/command_line.ts";
import { IN_GRAPH } from "../../src/cli/in_graph.ts";
import { converted } from "../../src/cli/notation.ts";
import { type Place, readCursor, writeCursor } from "../../src/client/cursor.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { observer, RIGHTS } from "../../src/observer/mod.ts";
import { POSTGRES } from "../support/database.ts";
import { scene } from "../support/scene.ts";
import { seededRandom } from "../support/seeded_random.ts";
import { countOf } from "../support/thoroughness.ts";

const ODD = [
  "",
  "\0",
  "\ud800",
  "'",
  '"',
  "%",
  "%zz",
  "../..",
  "\r\n",
  "é",
  "-1",
  "1e999",
  "{",
  "null",
];

/** Draws for one case. */
function drawing(seed: number) {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const of = <T>(all: readonly T[]): T => all[below(all.length)]!;
  return { below, of, times: (most: number) => Array.from({ length: below(most + 1) }) };
}

/** Changes a text at one place. */
function changed(text: string, { below, of }: ReturnType<typeof drawing>): string {
  const at = below(text.length + 1);
  const isInserted = below(2) === 0;
  return text.slice(0, at) + of([...ODD, "A", "=", "]", ","]) +
    text.slice(at + (isInserted ? 0 : 1 + below(4)));
}

/** Looks at random cases, each with its seed. */
async function each(count: number, look: (seed: number) => unknown): Promise<void> {
  const first = Math.floor(Math.random() * 1e9);
  for (let seed = first; seed < first + countOf(count); seed++) {
    try {
      await look(seed);
    } catch (error) {
      throw new Error(`Seed ${seed}`, { cause: error });
    }
  }
}

Deno.test("a cursor that was changed anywhere is refused by its code, or means the same", async () => {
  const isPlace = (place: Place): place is Place => Array.isArray(place);
  await each(8_000, (seed) => {
    const draw = drawing(seed);
    const place = draw.times(3).map(() => draw.of([0, 7, null, "run", "é", -1, 1e15]));
    const cursor = changed(writeCursor(place, "a query"), draw);
    try {
      assert.deepEqual(readCursor(cursor, "a query", "a test", isPlace), place);
    } catch (error) {
      assert.ok(isContinuumError(error, "INVALID_CURSOR"), String(error));
    }
  });
});

Deno.test("an encoded value that was changed anywhere is a value, or is refused by its code", async () => {
  const values = [
    { at: new Date(0), big: 2n ** 70n, list: [undefined, NaN, -0], bytes: new Uint8Array([1, 2]) },
    new Map<unknown, unknown>([["a", new Set([1n])]]),
    new RangeError("out", { cause: new Error("of it") }),
    { $continuum: "bigint", value: "7" },
  ].map((value) => encode(value));
  await each(8_000, (seed) => {
    const draw = drawing(seed);
    let text = draw.of(values);
    for (const _ of [0, ...draw.times(2)]) text = changed(text, draw);
    try {
      decode(text);
    } catch (error) {
      assert.ok(isContinuumError(error, "CORRUPT_VALUE"), `${text}: ${error}`);
    }
  });
});

Deno.test("any words on the command line are a command, or are refused with what is wrong with them", async () => {
  const streams = { columns: 80, write: () => {}, writeError: () => {} };
  const paths = COMMANDS.map(({ path }) => path.split(" "));
  const flags = [
    "--id",
    "--json",
    "--limit",
    "--where",
    "--wait",
    "--",
    "-",
    "-o",
    "--no-such",
    "-h",
  ];
  await each(600, async (seed) => {
    const draw = drawing(seed);
    const words = draw.times(5).map(() => {
      const word = draw.of(draw.below(2) === 0 ? flags : [...ODD, "x", "runs", "10", "{}"]);
      return draw.below(4) === 0 ? `${word}=${draw.of(ODD)}` : word;
    });
    const args = [...draw.below(5) === 0 ? [] : draw.of(paths), ...words];
    try {
      const { path, options } = readCommandLine(args, "1.2.3", streams);
      converted((await IN_GRAPH.command(path)).options ?? [], options);
    } catch (error) {
      assert.ok(error instanceof UsageError || error instanceof Done, `${args}: ${error}`);
    }
  });
});

Deno.test("any request to the observer is answered, and by no error of the server's", async () => {
  await using at = await scene(POSTGRES);
  await at.node.start("echo", 1, { runId: "r" });
  const handle = observer(at.node, { access: () => ({ name: "ana", may: RIGHTS }) });
  const paths = ROUTES.map(({ path }) => path);
  await each(400, async (seed) => {
    const draw = drawing(seed);
    const parts = draw.of(paths).replaceAll(
      /:\w+|\{|\}|\(.*?\)|\*/g,
      () => draw.of(["r", "default", ...ODD.map(encodeURIComponentSafely)]),
    );
    const query = draw.times(3).map(() =>
      `${draw.of(["q", "state", "cursor", "limit", "namespace", "from"])}=${
        draw.of(ODD.map(encodeURIComponentSafely))
      }`
    ).join("&");
    const method = draw.of(["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]);
    const body = method === "POST" ? { body: draw.of(["", "a=b", "{", "%%%"]) } : {};
    const response = await handle(
      new Request(`http://observer.test/${parts.replace(/^\/+/, "")}?${query}`, {
        method,
        headers: {
          host: "observer.test",
          accept: draw.of(["text/html", "application/json", "*/*", ";;q="]),
          "sec-fetch-site": draw.of(["same-origin", "cross-site"]),
          "content-type": draw.of(["application/json", "application/x-www-form-urlencoded", "x"]),
        },
        ...body,
      }),
    );
    await response.body?.cancel();
    assert.ok(response.status < 500, `${method} ${parts}?${query}: ${response.status}`);
  });
});

function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
