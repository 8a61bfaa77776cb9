/**
 * A small shop in production, for pages that have to be looked at whole: two releases of a workflow,
 * and runs in every state.
 *
 * @module
 */

import { Continuum, inside } from "../../src/continuum.ts";
import { defineActivity } from "../../src/workflow/mod.ts";
import type { DatabaseAdapter } from "../../src/store/sql/driver.ts";
import { makeFolder } from "../support/modules.ts";
import { BRISK, reached } from "../support/runs.ts";
import { source } from "../support/scene.ts";

/** The shop. */
export interface World extends AsyncDisposable {
  /** Its node. */
  readonly node: Continuum;
  /** The version that runs wait on. */
  readonly old: string;
  /** The version that new runs take. */
  readonly current: string;
}

const PRICES = (unit: number) =>
  `export interface Order {
  items: string[];
  card?: string;
}

/** In cents, with tax. */
export function total({ items }: Order): number {
  return items.length * ${unit};
}
`;

const order = (version: string, review: readonly string[]) =>
  `import { defineWorkflow } from "@continuum/continuum/workflow";
import { type Order, total } from "./prices.ts";

/** Sells what was ordered, once a person has looked at it. */
export default defineWorkflow({ name: "order", version: "${version}" }, async (ctx, order: Order) => {
  const amount = await ctx.run("quote", () => total(order));
  ctx.setStatus({ amount, waits: "for a review" });
  for (const item of order.items) await ctx.run("reserve", () => ({ item, shelf: item.length }));
${
    review.map((line) => `  ${line}\n`).join("")
  }  const receipt = await ctx.run("charge", ({ attempt }) => {
    if (attempt < 3) throw new Error("The bank does not answer");
    return { amount, currency: "EUR", number: "R-2214" };
  }, { retry: { initial: "20ms" } });
  await ctx.run("mail", () => "sent");
  return receipt;
});
`;

const REVIEW = [
  `const review = await ctx.waitForSignal<string>("review", { timeout: "14d" });`,
  `if (review !== "approved") return { rejected: review };`,
];

const FILES = {
  // Paths of modules begin here, so they are the same on every machine.
  "deno.json": JSON.stringify({
    imports: { "@continuum/continuum/workflow": import.meta.resolve("../../src/workflow/mod.ts") },
  }),
  "releases/1.4.0/order.ts": order("1.4.0", REVIEW),
  "releases/1.4.0/prices.ts": PRICES(1900),
  "releases/1.5.0/order.ts": order("1.5.0", [
    ...REVIEW,
    `await ctx.run("score", () => order.items.length > 4 ? "high" : "low");`,
  ]),
  "releases/1.5.0/prices.ts": PRICES(2100),
  "shipment.ts": source(
    `  const parcels = Array.from({ length: input.parcels }, (_, number) => number);
  const sent = await Promise.all(parcels.map((number) => ctx.run("label", () => number)));
  const [first] = await Promise.all(sent.slice(0, 3).map((number) =>
    ctx.child("parcel", { number }, { id: \`\${input.id}/parcel-\${number}\` })));
  return first;`,
    `{ name: "shipment", version: "3.1.0" }`,
  ),
  "parcel.ts": source(
    `  await ctx.run("hand over", () => "DHL");
  return await ctx.waitForSignal("delivered", { timeout: "30d" });`,
    `{ name: "parcel" }`,
  ),
  "invoice.ts": source(
    `  return await ctx.activity("send-invoice", { month: input?.month ?? "2026-10" }, {
    queue: "mail", retry: { initial: "10m" } });`,
    `{ name: "invoice", version: 2 }`,
  ),
  "stock.ts": source(
    `  const count = await ctx.run("count", () => input.shelf * 12);
  if (count > 100) throw new RangeError(\`Shelf \${input.shelf} has \${count} items, and room for 100\`);
  return count;`,
    `{ name: "stock" }`,
  ),
  "rates.ts": source(
    `  const since = await ctx.run("since", () => "2026-11-01");
  const answer = await fetch(\`https://rates.example/\${since}\`);
  return await answer.json();`,
    `{ name: "rates", version: "0.9.0" }`,
  ),
};

const sendInvoice = defineActivity({ name: "send-invoice" }, () => {
  throw new Error("Mailbox of accounting@shop.example is full");
});

/**
 * Opens the shop, and lets its runs get as far as they can.
 *
 * @param database Where it keeps them.
 * @param schema The schema; it has to be empty.
 */
export async function openWorld(
  database: DatabaseAdapter | string,
  schema: string,
): Promise<World> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await makeFolder(FILES));
  const others = ["shipment.ts", "parcel.ts", "invoice.ts", "stock.ts", "rates.ts"];
  const open = (release: string) =>
    Continuum.open({
      ...BRISK,
      database,
      schema,
      name: "shop-1",
      config: `${folder.url}deno.json`,
      activities: [sendInvoice],
      queues: { mail: { concurrency: 4 } },
      workflows: [`releases/${release}/order.ts`, ...others].map((path) => folder.url + path),
    });
  const first = await open("1.4.0");
  const start = async (
    node: Continuum,
    workflow: string,
    runId: string,
    input: unknown,
    state: Parameters<typeof reached>[1],
    attributes: Record<string, string> = {},
  ) => await reached(await node.start(workflow, input, { runId, attributes }), state);
  const orders = [["lamp", "desk"], ["chair"], ["sofa", "shelf", "rug", "lamp", "desk"], ["bed"]];
  for (const [index, items] of orders.entries()) {
    const input = { items, card: "4111 1111 1111 1111" };
    const customer = ["ana", "ben", "cleo", "dan"][index]!;
    await start(first, "order", `order-${2201 + index}`, input, "suspended", { customer });
  }
  const { version: { hash: old } } = await first.run("order-2201").status();
  await first.close();

  const node = stack.use(await open("1.5.0"));
  for (const runId of ["order-2205", "order-2206", "order-2207"]) {
    await start(node, "order", runId, { items: ["lamp"] }, "suspended", { customer: "eva" });
  }
  const { version: { hash: current } } = await node.run("order-2205").status();
  await start(node, "shipment", "shipment-77", { id: "shipment-77", parcels: 12 }, "suspended");
  await start(node, "stock", "stock-7", { shelf: 7 }, "completed");
  await start(node, "stock", "stock-9", { shelf: 9 }, "failed");
  await start(node, "rates", "rates-11-30", {}, "stuck_nondeterminism");
  await start(node, "invoice", "invoice-10", { month: "2026-10" }, "suspended");
  await node.run("order-2205").signal("review", "approved");
  await reached(node.run("order-2205"), "completed");
  const ana = node.asOperator({ name: "ana", reason: "the customer ordered twice" });
  await ana.run("order-2206").cancel();
  await reached(node.run("order-2206"), "cancelled");
  await node.run("order-2202").fork({ at: 1, id: "order-2202-again" });
  await reached(node.run("order-2202-again"), "suspended");
  for (const [namespace, shelf] of [["shop-austria", 9], ["shop-france", 3]] as const) {
    const elsewhere = inside(node, namespace);
    await start(
      elsewhere,
      "stock",
      `stock-${shelf}`,
      { shelf },
      shelf > 8 ? "failed" : "completed",
    );
  }
  await node.schedules.create({
    id: "invoices",
    workflow: "invoice",
    cron: "0 6 1 * *",
    timeZone: "Europe/Berlin",
    input: { month: "next" },
  });
  await node.schedules.create({
    id: "count the shelves",
    workflow: "stock",
    every: "1d",
    input: { shelf: 3 },
  });
  return { node, old, current, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A path of what is not there. */
export const NOWHERE = "/runs/nothing";

/** The path of each kind of page, by the name of its picture; some are shown in several states. */
export function pagesOf({ old, current }: World): Readonly<Record<string, string>> {
  return {
    "overview": "/",
    "runs": "/runs?state=any",
    "runs_none": "/runs?id=nothing",
    "run": "/runs/order-2203",
    "run_parked": "/runs/rates-11-30",
    "run_failed": "/runs/stock-9",
    "run_retrying": "/runs/invoice-10",
    "timeline": "/runs/order-2205/timeline",
    "timeline_then": "/runs/shipment-77/timeline?at=10",
    "timeline_effect": "/runs/order-2205/timeline?effect=4",
    "history": "/runs/order-2205/history",
    "source": "/runs/order-2203/source",
    "tree": "/runs/shipment-77/tree",
    "compare": "/compare?a=order-2201&b=order-2205",
    "versions": "/versions",
    "version": `/versions/${old}`,
    "version_source": `/versions/${old}/source`,
    "version_diff": `/versions/diff?a=${old}&b=${current}`,
    "version_patches": `/versions/${old}/patches`,
    "upgrade": "/upgrade?workflow=order",
    "upgrade_apply": "/upgrade/apply?workflow=order",
    "schedules": "/schedules",
    "schedule": "/schedules/invoices",
    "queues": "/queues",
    "nodes": "/nodes",
    "health": "/health",
    "audit": "/audit",
    "namespaces": "/namespaces",
    "repair": "/repair",
    "preferences": "/preferences",
    "start": "/start?like=order-2201",
    "signal": "/runs/order-2201/signal",
    "cancel": "/runs/order-2201/cancel",
    "run_upgrade": "/runs/order-2201/upgrade",
    "fork": "/runs/order-2205/fork?at=2",
    "not_found": NOWHERE,
  };
}

/** The paths of the forms and pages that have no picture of their own. */
export const FORMS: readonly string[] = [
  "/runs/order-2203/values/input",
  "/runs/order-2205/events/0",
  "/runs/order-2205/effects/0/value",
  "/schedules/invoices/values/input",
  "/runs/stock-9/reopen",
  "/runs/order-2201/pause",
  "/runs/order-2201/resume",
  "/bulk/pause?id=order-2201",
  "/bulk/resume?id=order-2201",
  "/runs/order-2201/terminate",
  "/runs/rates-11-30/retry",
  "/runs/stock-7/delete",
  "/bulk/cancel?id=order-2201&id=order-2203",
  "/bulk/terminate?id=order-2201",
  "/bulk/retry?id=rates-11-30",
  "/bulk/delete?id=stock-7",
  ...["pause", "resume", "trigger", "delete"].map((word) => `/schedules/invoices/${word}`),
];
