/** The dashboard and the page name the instruments that there are. */
import assert from "node:assert/strict";
import { type InstrumentInfo, INSTRUMENTS } from "../../src/telemetry/instrument_names.ts";
import { PROJECT } from "../support/project.ts";

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

/** The name that exporters to Prometheus give an instrument, without `_bucket` and the like. */
function prometheusName(name: string, { kind, unit }: InstrumentInfo): string {
  const base = name.replaceAll(".", "_") + (unit === "s" ? "_seconds" : "");
  return kind === "counter" ? `${base}_total` : base;
}

const known = new Map(
  Object.entries(INSTRUMENTS).map(([name, info]) => [prometheusName(name, info), name]),
);

/** The attributes that metrics have, as Prometheus names them. */
const LABELS = [
  ...["workflow_name", "outcome", "kind", "name", "queue", "reason", "state", "source", "version"]
    .map((name) => `continuum_${name}`),
  ...["error_type", "le", "job", "instance"],
];

async function panels(): Promise<readonly Panel[]> {
  const text = await Deno.readTextFile(new URL("docs/telemetry/dashboard.json", PROJECT));
  return JSON.parse(text).panels;
}

Deno.test("every metric of the dashboard is one of ours, and every one of ours is on it", async () => {
  const shown = new Set<string>();
  for (const { title, targets } of await panels()) {
    for (const { expr } of targets) {
      const found = (expr.match(/\bcontinuum_\w+/g) ?? [])
        .filter((name) => !LABELS.includes(name))
        .map((name) => name.replace(/_(bucket|count|sum)$/, ""));
      assert.ok(found.length > 0, `${title}: ${expr}`);
      for (const name of found) {
        assert.ok(known.has(name), `${title} asks for ${name}, which is no metric`);
        shown.add(name);
      }
    }
  }
  assert.deepEqual([...known.keys()].filter((name) => !shown.has(name)), []);
});

Deno.test("panels of the dashboard do not overlap, and their legends name labels that they keep", async () => {
  const places = new Set<string>();
  for (const { gridPos: { x, y, w }, targets, title } of await panels()) {
    assert.ok(!places.has(`${x}/${y}`) && x + w <= 24, title);
    places.add(`${x}/${y}`);
    for (const { expr, legendFormat } of targets) {
      const [, kept = ""] = /\bby \(([^)]*)\)/.exec(expr) ?? [];
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(LABELS.includes(label!), `${title}: ${label} is no label`);
        assert.ok(kept.split(", ").includes(label!), `${title}: ${label} is not kept by ${expr}`);
      }
    }
  }
});

Deno.test("the page lists every metric", async () => {
  const page = await Deno.readTextFile(new URL("docs/telemetry.md", PROJECT));
  for (const name of Object.keys(INSTRUMENTS)) {
    assert.ok(page.includes(`\`${name}\``), `docs/telemetry.md does not name ${name}`);
  }
  for (
    const [, name] of page.matchAll(
      /`(continuum\.(?:run|runs|attempt|attempts|lease|timer|signal|replay|flush|version|queue)\.[\w.]+)`/g,
    )
  ) {
    const isAttribute = /^continuum\.(run\.(id|generation|generations|attempt)|signal\.name)$/.test(
      name!,
    );
    assert.ok(isAttribute || Object.hasOwn(INSTRUMENTS, name!), `${name} is no metric`);
  }
});
