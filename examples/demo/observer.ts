/**
 * The observer on a small world: orders that wait on release 1.0.0 of their workflow, whose URL is
 * gone, while new ones take release 2.0.0; and one that has failed.
 *
 * `deno task observer` runs it on a database inside the process; `deno task observer --database
 * postgres://...` on yours.
 *
 * @module
 */

import { Continuum } from "@continuum/continuum";
import { serveObserver } from "../../src/observer/standalone.ts";
import { Releases } from "./releases.ts";

const given = Deno.args.find((arg) => arg.startsWith("--database="))?.slice("--database=".length);
const [, named] = Deno.args[0] === "--database" ? Deno.args : [];
const database = given ?? named ?? "memory:";
const schema = `continuum_demo_${Date.now().toString(36)}`;
const own = ["http://127.0.0.1:*/*"]; // the demo's own server

const releases = new Releases();
releases.publish("1.0.0");
const node = await Continuum.open({
  database,
  schema,
  linger: 0,
  workflows: [releases.url("1.0.0")],
  trust: { modules: own, start: own },
});
for (const [index, customer] of ["ana", "ben", "cleo"].entries()) {
  const run = await node.start("order", { items: index + 1 }, {
    runId: `order-${index + 1}`,
    attributes: { customer },
  });
  await run.reached(["suspended"], { timeout: "30s" });
}
releases.publish("2.0.0");
releases.takeDown("1.0.0");
const second = await node.start(releases.url("2.0.0"), { items: 9 }, { runId: "order-4" });
await second.reached(["suspended"], { timeout: "30s" });
const { hash } = (await second.status()).version;
await node.versions.activate("order", hash);
await node.run("order-1").signal("review", "approved");

await using served = serveObserver(node, { hostname: "127.0.0.1", port: 0, by: "demo" });
say(`Open ${served.link}
order-2 and order-3 wait on release 1.0.0, whose URL is gone: look at the line at which they wait,
compare with release 2.0.0, or send them the signal "review". Ctrl-C stops the demo.`);
const { promise, resolve } = Promise.withResolvers<void>();
Deno.addSignalListener("SIGINT", resolve);
Deno.addSignalListener("SIGTERM", resolve);
await promise;
await served[Symbol.asyncDispose]();
await node.close();
await releases.close();
Deno.exit(0);

function say(text: string): void {
  // deno-lint-ignore no-console -- a demo speaks
  console.log(text);
}
