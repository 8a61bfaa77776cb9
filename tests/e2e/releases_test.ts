/**
 * Each release of Postgres that is supported. The gate runs on the newest one, and here on one of the
 * others, each time on another; `deno task releases` runs many tests on all of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { startPostgres } from "../support/embedded_postgres.ts";
import {
  EVERYTHING,
  everythingIn,
  finishEverything,
  startEverything,
} from "../support/everything.ts";
import { makeFolder } from "../support/modules.ts";
import { RELEASES } from "../support/postgres_binaries.ts";
import { BRISK } from "../support/runs.ts";
import { partOf } from "../support/thoroughness.ts";

Deno.test("a node and a client do everything on an older release of Postgres", async (test) => {
  await using folder = await makeFolder(EVERYTHING);
  for (const release of partOf(RELEASES)) {
    await test.step(`Postgres ${release}`, async () => {
      await using server = await startPostgres({ release, settings: { fsync: "off" } });
      const admin = await postgres(server.url).open();
      const [shown] = await admin.query<{ version: string }>(
        "select current_setting('server_version_num') as version",
      );
      assert.equal(Math.floor(Number(shown!.version) / 10_000), release);
      await admin.script("create table public.booked (run text, at timestamptz, said text)");
      await admin.close();
      await using node = await Continuum.open({
        ...BRISK,
        database: server.url,
        workflows: everythingIn(folder.url),
        queues: { mail: {} },
      });
      await using client = await Continuum.connect({ database: server.url });
      const ids = Array.from({ length: 10 }, (_, n) => `run ${n}`);
      await startEverything(client, "public.booked", ids);
      await finishEverything(client, ids);
      assert.deepEqual((await node.health()).findings.filter(({ severe }) => severe), []);
    });
  }
});
