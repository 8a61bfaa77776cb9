/**
 * One live run for each key.
 *
 * @module
 */

import assert from "node:assert/strict";
import { forEachDatabase } from "../support/database.ts";
import { refused, scene, source } from "../support/scene.ts";

const SYNC = source(`return [input, await ctx.waitForSignal("go")];`, `{ name: "sync" }`);
const INNER = SYNC.replace(`"sync"`, `"sync/a"`);
const LONG = SYNC.replace(`"sync"`, `"${"s".repeat(100)}"`);

forEachDatabase("a singleton", (database, test) => {
  test("is used while it lives, and started anew after its end", async () => {
    await using at = await scene(database, { "sync.ts": SYNC }, { linger: 0 });
    const { node } = at;
    const start = (input: unknown, key = "acme") => node.start("sync", input, { singleton: key });
    const runs = await Promise.all([start(1), start(1), start(1)]);
    assert.deepEqual(runs.map(({ id }) => id), ["sync/acme", "sync/acme", "sync/acme"]);
    const other = await start(2, "else");
    assert.equal(await node.runs.count(), 2);
    await runs[0]!.signal("go", "first");
    assert.deepEqual(await runs[1]!.result(), [1, "first"]);
    const again = await start(3);
    await again.signal("go", "second");
    assert.deepEqual(await again.result(), [3, "second"]);
    assert.equal(await node.runs.count(), 3);
    await other.terminate();
    const many = await node.startMany("sync", [
      { input: 4, singleton: "else" },
      { input: 5, singleton: "acme" },
      { input: 6, singleton: "acme" },
    ]);
    assert.deepEqual(many.map(({ status }) => status), ["started", "started", "existing"]);
    assert.deepEqual(
      await node.start("sync", 7, { singleton: "acme", signal: { name: "go", payload: "third" } })
        .then((run) => run.result()),
      [5, "third"],
    );
  });

  test("differs from those of other workflows, namespaces and keys", async () => {
    const files = { "sync.ts": SYNC, "inner.ts": INNER, "long.ts": LONG };
    await using at = await scene(database, files, { linger: 0 });
    const { node } = at;
    const outer = await node.start("sync", 1, { singleton: "a/b" });
    const inner = await node.start("sync/a", 2, { singleton: "b" });
    assert.equal(outer.id, "sync/a/b");
    assert.notEqual(inner.id, outer.id);
    const long = await node.start("s".repeat(100), 3, { singleton: "k".repeat(200) });
    assert.equal(long.id.length, 241);
    const other = await node.start("sync", 4, { singleton: "a/b", namespace: "other" });
    await other.signal("go", "theirs");
    assert.deepEqual(await other.result(), [4, "theirs"]);
    const first = await outer.status();
    const later = await node.start("sync", 5, { singleton: "a/b", delay: "1h" });
    assert.equal((await later.status()).createdAt.getTime(), first.createdAt.getTime());
    const waiting = await node.start("sync", 6, { singleton: "late", delay: "1h" });
    assert.equal((await node.start("sync", 7, { singleton: "late" })).id, waiting.id);
    assert.equal((await waiting.status()).state, "pending", "a run that is to start lives");
  });

  test("has no other id, and no other rule", async () => {
    await using at = await scene(database, { "sync.ts": SYNC });
    const wrong = [
      [{ singleton: "a", runId: "b" }, "option runId"],
      [{ singleton: "a", ifExists: "use" }, "option ifExists"],
      [{ singleton: "" }, "option singleton"],
      [{ singleton: "a>1.x" }, "another end"],
      [{ singleton: "a".repeat(201) }, "1 to 200 characters"],
      [{ singleton: "a", transaction: { query: () => [] } }, "option singleton"],
    ] as const;
    for (const [options, word] of wrong) {
      await refused(at.node.start("sync", 1, options as never), "INVALID_ARGUMENT", word);
    }
  });
});
