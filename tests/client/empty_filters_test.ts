/**
 * An empty text as a filter, as a variable that is not set leaves it: no call takes it for no filter.
 *
 * @module
 */

import assert from "node:assert/strict";
import { forEachDatabase } from "../support/database.ts";
import { reached, resultOf } from "../support/runs.ts";
import { refused, scene } from "../support/scene.ts";

forEachDatabase("empty filters", (database, test) => {
  test("an empty text is refused as a filter, or selects nothing", async () => {
    await using set = await scene(database);
    const { node } = set;
    const { runs, versions, schedules, operations } = node;
    await reached(await node.start("echo", { wait: "go" }, { runId: "waits" }), "suspended");
    await resultOf(await node.start("echo", 1, { runId: "done" }));
    await node.schedules.create({ id: "hourly", workflow: "echo", every: "1h" });
    await node.asOperator({ name: "ana" }).schedules.pause("hourly");
    const [text, before] = ["", new Date(Date.now() + 1e9)];
    const dry = { before, dryRun: true };
    const refusals: Readonly<Record<string, () => Promise<unknown>>> = {
      "query prefix": () => runs.query({ where: { id: { prefix: text } } }),
      "query state": () => runs.query({ where: { state: text as never } }),
      "query states": () => runs.query({ where: { state: { in: [text as never] } } }),
      "query no attribute": () => runs.query({ where: { and: [{ attributes: {} }] } }),
      "query attribute name": () => runs.query({ where: { attributes: { [text]: 1 } } }),
      "query namespace": () => runs.query({ namespace: text }),
      "query cursor": () => runs.query({ cursor: text }),
      "count namespace": () => runs.count({ namespace: text }),
      "troubles namespace": () => runs.troubles({ namespace: text }),
      "jobs namespace": () => runs.jobs({ namespace: text }),
      "prune namespace": () => runs.prune({ ...dry, namespace: text }),
      "prune workflow": () => runs.prune({ ...dry, workflow: text }),
      "prune states": () => runs.prune({ ...dry, states: [text as never] }),
      "delete": () => runs.delete(text),
      "upgrade to": () => Array.fromAsync(runs.upgrade({ to: text, dryRun: true })),
      "upgrade workflow": () => Array.fromAsync(runs.upgrade({ workflow: text, dryRun: true })),
      "upgrade job": () => Array.fromAsync(runs.upgrade({ job: text })),
      "upgrade namespace": () =>
        Array.fromAsync(runs.upgrade({ workflow: "echo", namespace: text, dryRun: true })),
      "versions workflow": () => versions.list({ workflow: text }),
      "versions hash": () => versions.list({ hash: text }),
      "versions state": () => versions.list({ state: text as never }),
      "versions cursor": () => versions.list({ cursor: text }),
      "replay workflow": () => versions.replay(text),
      "patches": () => versions.patches(text),
      "schedules namespace": () => schedules.list({ namespace: text }),
      "schedules workflow": () => schedules.list({ workflow: text }),
      "schedules version": () => schedules.list({ version: text }),
      "schedules states": () => schedules.list({ states: [text as never] }),
      "schedules after": () => schedules.list({ after: text }),
      "operations namespace": () => operations.list({ namespace: text }),
      "operations target": () => operations.list({ target: text }),
      "operations run": () => operations.list({ run: text }),
      "operations action": () => operations.list({ action: text }),
      "operations as": () => operations.list({ as: text }),
      "operations cursor": () => operations.list({ cursor: text }),
      "export": () => runs.export([text]),
    };
    for (const [name, call] of Object.entries(refusals)) {
      await assert.rejects(async () => await call(), (error: Error & { code?: string }) => {
        assert.match(
          error.code ?? error.stack!,
          /^(?:INVALID_\w+|RUN_NOT_FOUND|VERSION_NOT_FOUND)$/,
          name,
        );
        assert.match(error.message, /^Cannot /, name);
        return true;
      }, name);
    }
    const found = async (where: object) => (await runs.query({ where })).runs.length;
    for (const field of ["id", "workflow", "version", "parent", "forksOf"]) {
      assert.equal(await found({ [field]: text }), 0, field);
    }
    for (const field of ["id", "workflow", "version"]) {
      assert.equal(await found({ [field]: { in: [text] } }), 0, field);
      assert.equal(await found({ [field]: { in: [] } }), 0, field);
    }
    assert.equal(await found({ attributes: { tier: text } }), 0);
    assert.equal((await versions.list({ state: [] })).versions.length, 0);
    assert.equal((await schedules.list({ states: [] })).length, 0);
    assert.equal((await runs.prune({ ...dry, states: [] }).catch(() => ({ runs: 0 }))).runs, 0);
    await refused(schedules.get(text), "INVALID_ARGUMENT");
    assert.equal((await operations.list()).operations.length > 0, true);
  });
});
