/**
 * A web server, here with Hono: a route that starts a run once, one that waits a moment for its
 * result, and a webhook that signals it. It knows the workflow by its type, and loads none of its code.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import { pglite } from "@continuum/continuum/pglite";
import { Hono } from "hono";
import type order from "./workflows/25_web.ts";

const database = pglite(null);
await using _node = await Continuum.open({
  database,
  workflows: [import.meta.resolve("./workflows/25_web.ts")],
});
// In production this is another process: it executes nothing.
await using continuum = await Continuum.connect({ database });

const app = new Hono();

app.put("/orders/:id", async (c) => {
  const { id: runId } = c.req.param();
  const input = await c.req.json<{ sku: string }>();
  await continuum.start<typeof order>("web order", input, { runId, ifExists: "useEnded" });
  return c.json({ id: runId }, 202);
});

app.get("/orders/:id", async (c) => {
  const run = continuum.run<typeof order>(c.req.param("id"));
  const timeout = Number(c.req.query("wait") ?? 2_000); // milliseconds
  return c.json(await run.result({ timeout, signal: c.req.raw.signal }));
});

app.post("/webhooks/payments", async (c) => {
  const { event, orderId, amount } = await c.req.json();
  const run = continuum.run<typeof order>(orderId);
  return c.json({ signal: await run.signal("paid", { amount }, { deliveryId: event }) });
});

app.onError((error, c) => {
  if (isContinuumError(error, "TIMEOUT")) return c.json({ state: "open" }, 202);
  if (isContinuumError(error, "RUN_NOT_FOUND")) return c.json({ error: error.code }, 404);
  return c.json({ error: "internal" }, 500);
});

async function ask(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await app.request(path, { method, body: body && JSON.stringify(body) } as object);
  console.log(method, path, answer.status, await answer.text());
}

const payment = { event: "evt-1", orderId: "o-1", amount: 30 };
await ask("PUT", "/orders/o-1", { sku: "A-7" });
await ask("GET", "/orders/o-1?wait=50");
await ask("POST", "/webhooks/payments", payment);
await ask("POST", "/webhooks/payments", payment); // the provider sends it once more
await ask("GET", "/orders/o-1?wait=10000");
await ask("GET", "/orders/o-2");

// Prints:
// PUT /orders/o-1 202 {"id":"o-1"}
// GET /orders/o-1?wait=50 202 {"state":"open"}
// POST /webhooks/payments 200 {"signal":"delivered"}
// POST /webhooks/payments 200 {"signal":"duplicate"}
// GET /orders/o-1?wait=10000 200 {"sku":"A-7","paid":30}
// GET /orders/o-2 404 {"error":"RUN_NOT_FOUND"}
