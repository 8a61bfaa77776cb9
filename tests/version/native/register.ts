/** Registers the module that is named, in a process of its own, and prints where its code is from. */
import { openStore } from "../../../src/store/open.ts";
import { Versions } from "../../../src/version/versions.ts";

const [root] = Deno.args as [string];
await using store = await openStore({ database: "memory:" });
await store.migrate();
const { source, modules } = await new Versions({
  store: store.versions,
  workflows: [root],
  native: true,
})
  .register(root);
await Deno.stdout.write(
  new TextEncoder().encode(JSON.stringify({ source, n: modules.get("./dep.ts")?.["n"] })),
);
