/**
 * Long values of runs, and numbers that JavaScript can't hold.
 *
 * @module
 */

import assert from "node:assert/strict";
import { POSTGRES } from "../support/database.ts";
import { defineActivity } from "../../src/workflow/mod.ts";
import { reached } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { observe } from "./observed.ts";
import { linksOf } from "./pages.ts";

const LONG = `<script>alert(1)</script>${"x".repeat(9_000)} end of it`;

const ID = `r/"';1\u202e`;

const PATH = `/runs/${encodeURIComponent(ID)}`;

Deno.test("a long value is cut on a run's page, whole on its own, and a file that is never shown", async () => {
  await using set = await scene(POSTGRES);
  const input = { wait: "go", text: LONG, big: 2n ** 70n, safe: Number.MAX_SAFE_INTEGER };
  await reached(await set.node.start("echo", input, { runId: ID }), "suspended");
  const observed = observe(set.node);
  const page = await observed.page(PATH);
  assert(!page.includes("end of it"));
  assert.match(page, /The first 4096 characters of 8\.9 kB/);
  const [link] = linksOf(page, "Show all");
  assert.equal(link, `../runs/${encodeURIComponent(ID)}/values/input`);
  const whole = await observed.page(`${PATH}/values/input`);
  assert.match(whole, /&lt;script>alert\(1\)|&lt;script&gt;alert\(1\)/);
  assert.match(whole, /end of it/);
  assert.match(whole, /1180591620717411303424/, "all digits");
  assert.match(whole, /9007199254740991/);
  const file = await observed.ask(`${PATH}/values/input?file=1`);
  assert.equal(file.headers.get("content-type"), "application/json");
  assert.equal(
    file.headers.get("content-disposition"),
    'attachment; filename="r____1_-input.json"',
  );
  assert.equal(file.headers.get("x-content-type-options"), "nosniff");
  const told = await file.json();
  assert.deepEqual([told.text, told.big], [LONG, "1180591620717411303424"]);
  assert.equal((await observed.ask(`${PATH}/values/id`)).status, 400);
  assert.equal((await observed.ask(`${PATH}/values/constructor`)).status, 400);
});

Deno.test("REDACTION-1: a value's own page and file need the right, and pass through redact", async () => {
  await using set = await scene(POSTGRES);
  await reached(
    await set.node.start("echo", { wait: "go", card: "4111" }, { runId: ID }),
    "suspended",
  );
  const without = observe(set.node, { without: ["payloads"] });
  for (const path of [`${PATH}/values/input`, `${PATH}/values/input?file=1`]) {
    assert.equal((await without.ask(path)).status, 403, path);
    const seen: unknown[] = [];
    const redacting = observe(set.node, {
      redact: (_, at) => {
        seen.push(at);
        return { card: "***" };
      },
    });
    const text = await redacting.page(path);
    assert.match(text, /\*\*\*/, path);
    assert(!text.includes("4111"), path);
    assert.deepEqual(seen, [{ kind: "input", run: ID, workflow: "echo", name: null }]);
  }
});

Deno.test("a whole number that would be rounded is refused where people enter JSON", async () => {
  await using set = await scene(POSTGRES);
  await reached(await set.node.start("echo", { wait: "go" }, { runId: "r-1" }), "suspended");
  const observed = observe(set.node);
  const payload = '{"amount":12345678901234567890}';
  const [, seen] = /name="seen" value="([^"]+)"/.exec(await observed.page("/runs/r-1/signal"))!;
  const form = { seen: seen!.replaceAll("&quot;", '"'), name: "go", payload };
  const refused = await observed.ask("/runs/r-1/signal", { form });
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /12345678901234567890 would be rounded/);
  const kept = { ...form, payload: '{"amount":9007199254740991,"small":0.1}' };
  assert.equal((await observed.ask("/runs/r-1/signal", { form: kept })).status, 303);
  await reached(set.node.run("r-1"), "completed");
});

const TELLS = source(
  `await ctx.run("reads", () => ({ text: "z".repeat(9_000) + " end of step", card: "4111" }));
const sent = await ctx.activity("sends", { text: "a".repeat(70_000) + " end of input", card: "4111" });
await ctx.waitForSignal("go");
return sent;`,
  `{ name: "tells" }`,
);

/** A run with long values in its history, and a schedule with a long input. */
async function telling() {
  const sends = defineActivity(
    { name: "sends" },
    () => ({ text: `${"b".repeat(9_000)} end of answer` }),
  );
  const set = await scene(POSTGRES, { "tells.ts": TELLS }, { activities: [sends] });
  await reached(await set.node.start("tells", null, { runId: ID }), "suspended");
  await set.node.schedules.create({
    id: ID,
    workflow: "tells",
    every: "365d",
    input: { text: `${"c".repeat(9_000)} end of plan`, card: "4111" },
  });
  return set;
}

const WHOLE = [
  [`${PATH}/history`, "events/0", "end of step"],
  [`${PATH}/timeline?effect=0`, "events/0", "end of step"],
  [`${PATH}/timeline?effect=1`, "effects/1/input", "end of input"],
  [`${PATH}/timeline?effect=1`, "events/1", "end of answer"],
  [`/schedules/${encodeURIComponent(ID)}`, "values/input", "end of plan"],
] as const;

Deno.test("long values of histories, effects and schedules are whole on their own pages, and files", async () => {
  await using set = await telling();
  const observed = observe(set.node);
  for (const [path, link, end] of WHOLE) {
    const page = await observed.page(path);
    assert(!page.includes(end), `${path} is cut`);
    const found = [...linksOf(page, "Show all"), ...linksOf(page, "whole")]
      .find((url) => url.endsWith(link));
    assert(found !== undefined, `${path} leads to ${link}`);
    const at = new URL(found, `http://observer.test${path}`).pathname;
    assert((await observed.page(at)).includes(end), at);
    const file = await observed.ask(`${at}?file=1`);
    assert.match(
      file.headers.get("content-disposition")!,
      /^attachment; filename="[\w.-]+\.json"$/,
    );
    assert((await file.text()).includes(end), `${at} as a file`);
    assert.equal((await observe(set.node, { without: ["payloads"] }).ask(at)).status, 403, at);
  }
  for (const path of ["events/9", "effects/9/input", "events/0?generation=3"]) {
    assert.equal((await observed.ask(`${PATH}/${path}`)).status, 404, path);
  }
  for (const path of ["events/x", "events/-1", "effects/1/id", "effects/1.5/input"]) {
    assert.equal((await observed.ask(`${PATH}/${path}`)).status, 400, path);
  }
});

Deno.test("REDACTION-1: redact knows the run and the workflow of a value in a history", async () => {
  await using set = await telling();
  const paths = [
    `${PATH}/history`,
    `${PATH}/events/0`,
    `${PATH}/effects/0/value`,
    `${PATH}/timeline?effect=0`,
  ];
  for (const path of paths) {
    const seen: string[] = [];
    const redacting = observe(set.node, {
      redact: (_, at) => {
        if (at.kind === "event") seen.push(`${at.run} ${at.workflow} ${at.name}`);
        return { card: "***" };
      },
    });
    const text = await redacting.page(path);
    assert(!text.includes("4111"), path);
    assert(seen.includes(`${ID} tells reads`), `${path}: ${seen}`);
  }
});
