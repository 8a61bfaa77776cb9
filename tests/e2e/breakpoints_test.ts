/**
 * A debugger stops in the author's own files, whatever their code is executed under.
 *
 * @module
 */

import assert from "node:assert/strict";
import { SourceMap } from "node:module";
import { PROJECT } from "../support/project.ts";
import { emptyPostgres, postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { Inspected } from "../support/inspector.ts";
import { deno } from "../support/processes.ts";

const FILES = {
  "order.ts": `import { defineWorkflow } from "@continuum/continuum/workflow";
import { Kind, told } from "./kind.ts";
import { price } from "./price.ts";

export default defineWorkflow({ name: "order" }, async (ctx, items: number) => {
  const amount: number = price(items);
  await ctx.run("fails", () => {
    throw new Error(told(Kind.Large, amount));
  }, { retry: { maxAttempts: 1 } });
});
`,
  // Types alone have to go: every position stays.
  "price.ts": `interface Rate {
  readonly each: number;
}

export function price(items: number, rate: Rate = { each: 7 }): number {
  const amount: number = items * rate.each;
  return amount;
}
`,
  // An enum is compiled, and its lines move.
  "kind.ts": `/* A comment. */
export enum Kind {
  Small,
  Large,
}

/* Another one,
   of two lines. */
export function told(kind: Kind, amount: number): string {
  const name: string = Kind[kind]!;
  return name + " " + amount;
}
`,
};

const DEBUGGED = new URL("tests/e2e/fixtures/debugged.ts", PROJECT).pathname;

/** What the process is given: a lease that outlasts a person at the debugger. */
const given = (schema: string, specifier: string) => [
  ...["-A", DEBUGGED],
  ...[JSON.stringify({ database: postgresUrl(), schema, lease: "1h" }), specifier],
];

Deno.test("a breakpoint stops at the author's file and line, and changes nothing that is recorded", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder(FILES);
  const [order, price] = [`${folder.url}order.ts`, `${folder.url}price.ts`];
  const args = given(db.schema, order);
  const plain = await deno(["run", ...args]);
  assert.match(plain.output, /^failed: .* Large 140$/m, plain.errors);

  await using inspected = await Inspected.start(args);
  for (const [url, line] of [[price, 6], [order, 8]] as const) {
    await inspected.ask("Debugger.setBreakpointByUrl", { url, lineNumber: line - 1 });
  }
  await inspected.go();
  for (
    const [url, line, expression, value] of [
      [price, 6, "items * rate.each", 140],
      [order, 8, "amount", 140],
    ] as const
  ) {
    const { hitBreakpoints, callFrames: [frame] } = await inspected.paused();
    assert.equal(hitBreakpoints.length, 1);
    assert(frame !== undefined);
    assert.deepEqual([inspected.urlOf(frame.location), frame.location.lineNumber + 1], [url, line]);
    const { callFrameId } = frame;
    const { result } = await inspected.ask("Debugger.evaluateOnCallFrame", {
      callFrameId,
      expression,
    });
    assert.equal((result as { value: unknown }).value, value);
    await inspected.ask("Debugger.resume");
  }
  assert.match(await inspected.end(), /^failed: .* Large 140$/m);
  const recorded = await db.query<{ error: string }>(`select error::text from {schema}.runs`);
  assert.equal(recorded.length, 2);
  assert.deepEqual(recorded[1], recorded[0]);
  assert.match(recorded[0]!.error, /continuum:\/\/\/[0-9a-f]{64}\/order\.ts:8:11/);
});

Deno.test("what was compiled has a source map that leads a debugger to the author's lines", async () => {
  await using db = await emptyPostgres();
  await using folder = await makeFolder(FILES);
  const [order, kind] = [`${folder.url}order.ts`, `${folder.url}kind.ts`];
  await using inspected = await Inspected.start(given(db.schema, order));
  // Where the workflow is defined, all that its module imports is there.
  await inspected.ask("Debugger.setBreakpointByUrl", { url: order, lineNumber: 4 });
  await inspected.go();
  await inspected.paused();
  const script = inspected.scripts.find(({ url }) => url === kind);
  const encoded = script?.sourceMapURL.replace(/^data:application\/json;base64,/, "") ?? "";
  const map = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(encoded)));
  assert.equal(new URL(map.sources[0], kind).href, kind);
  const reader = new SourceMap(map);
  const line = Array.from({ length: 100 }, (_, line) => line)
    .find((line) => (reader.findEntry(line, 80) as { originalLine?: number }).originalLine === 9);
  assert.notEqual(line, 9, "The line has moved");
  await inspected.ask("Debugger.setBreakpointByUrl", { url: kind, lineNumber: line });
  await inspected.ask("Debugger.resume");
  const { callFrames: [frame] } = await inspected.paused();
  assert(frame !== undefined);
  const { functionName, location } = frame;
  assert.deepEqual([functionName, inspected.urlOf(location), location.lineNumber], [
    "told",
    kind,
    line,
  ]);
  await inspected.ask("Debugger.resume");
  assert.match(await inspected.end(), /^failed: .* Large 140$/m);
});
