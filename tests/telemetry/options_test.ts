/** What `telemetry()` takes, and what it says of an application's own copy of the API. */
import assert from "node:assert/strict";
import * as api from "@opentelemetry/api";
import config from "../../deno.json" with { type: "json" };
import { isContinuumError } from "../../src/base/errors.ts";
import { Continuum } from "../../src/continuum.ts";
import { telemetry } from "../../src/telemetry/mod.ts";
import { contextText, readContext, readTrace, withStay } from "../../src/telemetry/trace_text.ts";
import { deno } from "../support/processes.ts";
import { PROJECT } from "../support/project.ts";

Deno.test("an option that is not there, or of a wrong type, is refused with its name", () => {
  for (
    const [options, named] of [
      [{ span: "none" }, /span/],
      [{ spans: "all" }, /option spans of telemetry.*"all", wanted "linked"/],
      [{ database: "yes" }, /option database/],
      [{ tracerProvider: {} }, /option tracerProvider .* getTracer/],
      [{ meterProvider: null }, /option meterProvider .* getMeter/],
    ] as const
  ) {
    assert.throws(() => telemetry(options as never), (error: Error) => {
      assert.ok(isContinuumError(error, "INVALID_ARGUMENT"), error.message);
      assert.match(error.message, named);
      return true;
    });
  }
});

Deno.test("open refuses anything that telemetry() did not return", async () => {
  const options = { database: "memory:", telemetry: { kind: "continuum.telemetry" } as const };
  await assert.rejects(Continuum.open(options), /option telemetry.*telemetry\(\)/s);
});

Deno.test("the API is pinned at the version that sees every provider's, and the core imports none", async () => {
  assert.equal(config.imports["@opentelemetry/api"], "npm:@opentelemetry/api@1.9.0");
  const { output } = await deno(["info", "--json", new URL("mod.ts", PROJECT).href]);
  const { modules } = JSON.parse(output) as { modules: readonly { specifier: string }[] };
  assert.ok(modules.length > 100);
  const reached = modules.filter(({ specifier }) => /opentelemetry|src\/telemetry/.test(specifier));
  assert.deepEqual(reached, []);
});

Deno.test("a provider of an API that is too old is warned of, since it would get nothing", async () => {
  const program = `
    import { configure } from "@logtape/logtape";
    const symbol = Symbol.for("opentelemetry.js.api.1");
    globalThis[symbol] = { version: Deno.args[0] };
    await configure({
      sinks: { out: ({ rawMessage, properties }) => console.log(rawMessage, properties.version) },
      loggers: [{ category: ["continuum"], sinks: ["out"], lowestLevel: "warning" },
        { category: ["logtape"], lowestLevel: "error" }],
    });
    const { Continuum } = await import("${new URL("mod.ts", PROJECT).href}");
    const { telemetry } = await import("${new URL("src/telemetry/mod.ts", PROJECT).href}");
    const option = telemetry();
    for (let n = 0; n < 2; n++) {
      await using continuum = await Continuum.open({ database: "memory:", telemetry: option });
    }
  `;
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/main.ts`;
    await Deno.writeTextFile(file, program);
    const settings = ["--config", new URL("deno.json", PROJECT).pathname, "--no-check"];
    const preload = ["--preload", new URL("tests/support/primed_pglite.ts", PROJECT).href];
    const run = (version: string) =>
      deno(["run", "-A", "--quiet", ...settings, ...preload, file, version]);
    const { output, errors } = await run("1.8.0");
    assert.equal(output.match(/registered a provider/g)?.length, 1, output + errors);
    assert.match(output, /1\.8\.0/);
    assert.equal((await run("1.10.0")).output, "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const CONTEXT = { traceId: "a".repeat(32), spanId: "b".repeat(16), traceFlags: 1 };

Deno.test("a context is written as W3C says, and read again", () => {
  const text = contextText(CONTEXT);
  assert.equal(text, `00-${"a".repeat(32)}-${"b".repeat(16)}-01`);
  assert.equal(text?.length, 55);
  assert.deepEqual(readContext(text), { ...CONTEXT, isRemote: true });
  const traceState = api.createTraceState("vendor=a b,other=1");
  const stated = contextText({ ...CONTEXT, traceState });
  assert.equal(readContext(stated)?.traceState?.serialize(), "vendor=a b,other=1");
  const long = api.createTraceState(`vendor=${"x".repeat(255)},v2=${"x".repeat(255)},v3=xx`);
  assert.equal(contextText({ ...CONTEXT, traceState: long }), text, "a long state is left out");
});

Deno.test("an invalid context is not written, and not read", () => {
  assert.equal(contextText({ ...CONTEXT, traceId: "0".repeat(32) }), undefined);
  for (
    const text of [null, undefined, "", "00-a-b-01", `01-${"a".repeat(32)}-${"b".repeat(16)}-01`]
  ) {
    assert.equal(readContext(text), undefined);
  }
});

Deno.test("of a run's stays, the first sixteen and the last sixteen are kept", () => {
  const stay = (n: number) => ({ ...CONTEXT, spanId: n.toString(16).padStart(16, "0") });
  let text: string | undefined = contextText(CONTEXT);
  for (let n = 1; n <= 100; n++) text = withStay(text, stay(n));
  const { start, stays } = readTrace(text);
  assert.equal(start?.spanId, CONTEXT.spanId);
  const numbers = stays.map(({ spanId }) => parseInt(spanId, 16));
  const range = (from: number) => Array.from({ length: 16 }, (_, n) => from + n);
  assert.deepEqual(numbers, [...range(1), ...range(85)]);
  assert.equal(readTrace(withStay(null, stay(1))).start, undefined);
});
