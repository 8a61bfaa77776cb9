/**
 * What a worker logs while its database does not answer.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Outage } from "../../src/cli/outage.ts";
import { CliWorld } from "../support/cli_world.ts";
import { postgresUrl } from "../support/database.ts";
import { HandClock } from "../support/hand_clock.ts";
import { Proxy } from "../support/proxy.ts";
import { source } from "../support/scene.ts";

Deno.test("an outage is reported once, at growing intervals, and when it is over", async () => {
  const clock = new HandClock();
  const lines: string[] = [];
  let isOver = false;
  using outage = new Outage({ clock, isOver: () => isOver, print: (text) => lines.push(text) });
  const advance = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      if (!isOver) outage.noted("refused");
      await clock.advance(1_000, () => Promise.resolve());
    }
    return lines.splice(0);
  };
  const first = "The database does not answer, and work waits for it: refused";
  assert.deepEqual(await advance(3), [first]);
  assert.deepEqual(await advance(60), [
    "The database has not answered for 4s: refused",
    "The database has not answered for 12s: refused",
    "The database has not answered for 28s: refused",
    "The database has not answered for 1m: refused",
  ]);
  isOver = true;
  assert.deepEqual(await advance(3_600), ["The database answers again, after 1m 3s"]);
  isOver = false;
  assert.deepEqual(await advance(1), [first]);
});

Deno.test("a worker logs one line without a stack when its database goes away, and one when it is back", async () => {
  await using world = await CliWorld.make({
    "waits.ts": source(`return await ctx.waitForSignal("go");`, `{ name: "waits" }`),
  });
  const url = new URL(postgresUrl());
  await using proxy = new Proxy({ hostname: url.hostname, port: Number(url.port || 5432) });
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  const worker = world.spawn(["worker", "waits.ts", "--lease", "3s", "--database", url.href]);
  await worker.printed(/^serving waits/m);
  proxy.cut();
  await worker.printed(/The database does not answer, and work waits for it: /);
  proxy.restore();
  await worker.printed(/The database answers again, after \d/);
  worker.kill("SIGTERM");
  const { code, error } = await worker.ended();
  assert.equal(code, 0, error);
  assert.doesNotMatch(error, /^ +at |DatabaseUnavailableError|errno/m);
  assert.equal(error.match(/does not answer, and work waits/g)!.length, 1, error);
});
