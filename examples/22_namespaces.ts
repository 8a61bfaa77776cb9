/**
 * Namespaces are borders between runs that the same nodes execute; schemas, between instances that
 * share nothing but the database.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import { pglite } from "@continuum/continuum/pglite";
import hello from "./workflows/01_hello.ts";

const database = pglite(null);
const workflows = [import.meta.resolve("./workflows/01_hello.ts")];
await using shop = await Continuum.open({ database, workflows, namespace: "shop" });
await using blog = await Continuum.connect({ database, workflows, namespace: "blog" });
await using apart = await Continuum.open({ database, workflows, schema: "apart" });

// An id, or a key, is taken once in a namespace. The shop's node executes the blog's run, too.
for (const [name, instance] of Object.entries({ shop, blog, apart })) {
  const run = await instance.start(hello, name, { runId: "welcome" });
  console.log(await run.result(), "runs:", await instance.runs.count());
}

// Another namespace has to be named; another schema can't be.
await shop.start(hello, "reader", { runId: "only here", namespace: "blog" });
console.log(await shop.run("only here", { namespace: "blog" }).result());
for (const [name, instance] of Object.entries({ shop, apart })) {
  try {
    await instance.run("only here").status();
  } catch (error) {
    if (isContinuumError(error, "RUN_NOT_FOUND")) console.log(`${name}:`, error.code);
  }
}

// Prints:
// Hello, shop! runs: 1
// Hello, blog! runs: 1
// Hello, apart! runs: 1
// Hello, reader!
// shop: RUN_NOT_FOUND
// apart: RUN_NOT_FOUND
