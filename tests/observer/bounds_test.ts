/**
 * How long an observer's answers take when the database does not let it read.
 *
 * @module
 */

import assert from "node:assert/strict";
import postgresJs from "postgres";
import { Continuum } from "../../mod.ts";
import { Handler } from "../../src/observer/handler.ts";
import { Looks } from "../../src/observer/looks.ts";
import { RIGHTS } from "../../src/observer/mod.ts";
import { parametersOf } from "../../src/observer/route_parameters.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import type { Finding } from "../../src/operate/health.ts";
import { readingPath } from "../../src/operate/readings/api.ts";
import { type ReadingName, READINGS } from "../../src/operate/readings/readings.ts";
import { emptyPostgres, POSTGRES, postgresUrl } from "../support/database.ts";
import { reached } from "../support/runs.ts";
import { scene } from "../support/scene.ts";

/** How long a statement may take here, in milliseconds: the locks are held until all of them are over. */
const MS = 30;

/** The same where all but one table can be read, however busy the machine is. */
const PART_MS = 1_000;

/** Pages that read nothing. */
const UNREAD = ["/preferences"];

/** Keeps all others from reading tables of a schema; all of them, unless some are named. */
async function locking<Answer>(
  schema: string,
  work: () => Promise<Answer>,
  only?: readonly string[],
): Promise<Answer> {
  const sql = postgresJs(postgresUrl(), { max: 1, onnotice() {} });
  try {
    return await sql.begin(async (holder) => {
      const tables = await holder<{ name: string }[]>`
        select tablename as name from pg_tables where schemaname = ${schema}`;
      for (const { name } of tables) {
        if (only !== undefined && !only.includes(name)) continue;
        await holder.unsafe(`lock table "${schema}"."${name}" in access exclusive mode`);
      }
      return await work();
    }) as Answer;
  } finally {
    await sql.end();
  }
}

/** The checks of a report that were late. */
function checksOf({ findings }: { readonly findings: readonly Finding[] }): unknown[] {
  return findings.filter(({ code }) => code === "LATE_CHECK").map(({ details }) => details.check)
    .sort();
}

/** Sends GET requests to a handler. */
function asking(
  client: Continuum,
  ms: number,
): (path: string, accept: string) => Promise<Response> {
  const access = () => ({ name: "ana", may: [...RIGHTS] });
  const handler = new Handler(client, { access }, ms);
  return (path, accept) =>
    handler.answer(new Request(`http://observer.test${path}`, { headers: { accept } }));
}

function filled(path: string): string {
  return path.replace(":name", "input").replace(/:(?:event|position)/, "0");
}

/** A path of each route, with all that it has to be given. */
function pathsOf(hash: string): string[] {
  const fields = {
    workflow: "echo",
    to: hash,
    like: "r-1",
    id: "r-1",
    job: "1",
    fingerprint: "f0",
  };
  const query = new URLSearchParams(fields);
  const readings = Object.entries(READINGS).map(([name, { needs = [] }]) => {
    const [a, b] = name.startsWith("versions.") ? [hash, hash] : ["r-1", "r-2"];
    const known = {
      a,
      b,
      hash,
      id: "r-1",
      ask: "a-1",
      workflow: "echo",
      filter: {},
      limit: 9,
      strict: false,
    };
    const args = Object.fromEntries(
      Object.entries({ ...known, timeout: 1_000 }).filter(([key]) =>
        needs.includes(key as never) || name === "runs.verdicts" && key === "workflow"
      ),
    );
    return [`/${readingPath(name as ReadingName)}`, JSON.stringify(args)] as const;
  });
  return ROUTES.map((route) => {
    const { path } = route;
    const known = parametersOf(route).map(({ name }) => name);
    const own = new URLSearchParams([...query].filter(([name]) => known.includes(name)));
    const [, args] = readings.find(([each]) => each === path) ?? [];
    if (args !== undefined) return `${path}?${new URLSearchParams({ args })}`;
    if (path === "/compare") return `${path}?a=r-1&b=r-2`;
    if (path === "/versions/diff") return `${path}?a=${hash}&b=${hash}`;
    const id = path.startsWith("/versions/") ? hash : "r-1";
    return `${filled(path).replaceAll(/:\w+/g, id)}?${own}`;
  });
}

Deno.test("BOUNDS-1: every page, form, file and reading ends by a time when nothing can be read", async () => {
  await using set = await scene(POSTGRES);
  const run = await set.node.start("echo", { wait: "go" }, { runId: "r-1" });
  await reached(run, "suspended");
  const { hash } = (await run.status()).version;
  await set.node.close(); // so that no one else waits for the locks
  const { database, schema } = set.db;
  await using client = await Continuum.connect({ database, schema });
  const paths = pathsOf(hash);
  const hasty = asking(client, MS);
  await locking(schema, async () => {
    for (const path of paths) {
      for (const accept of ["text/html", "application/json"]) {
        const answer = await hasty(path, accept);
        const text = await answer.text();
        if (UNREAD.includes(path.split("?")[0]!)) continue;
        assert.equal(answer.status, 504, `${path}: ${text.slice(0, 500)}`);
        assert.match(text, /QUERY_TIMEOUT/, path);
        if (text.startsWith("<")) assert.match(text, /Narrow it/);
      }
    }
  });
  const usual = asking(client, 60_000);
  for (const path of ["/", "/runs", "/runs/r-1/history", "/versions"]) {
    const answer = await usual(path, "application/json");
    const text = await answer.text();
    assert.equal(answer.status, 200, `${path}, when all can be read again: ${text}`);
  }
});

Deno.test("PART-1: a part of a page that is not read in time leaves the others", async () => {
  await using set = await scene(POSTGRES);
  await reached(await set.node.start("echo", { wait: "go" }, { runId: "r-1" }), "suspended");
  await set.node.close();
  const { database, schema } = set.db;
  await using client = await Continuum.connect({ database, schema });
  const hasty = asking(client, PART_MS);
  await locking(schema, async () => {
    const data = await (await hasty("/", "application/json")).json();
    assert.deepEqual(Object.keys(data.missing), ["operations"]);
    assert.deepEqual(checksOf(data.fleet), ["marks"], "what is known of a finding is an act, too");
    assert.equal(data.missing.operations.code, "QUERY_TIMEOUT");
    assert.equal(data.fleet.operations, null);
    assert.deepEqual(data.fleet.queues, []);
    assert.deepEqual(data.counts[1], { state: "suspended", count: 1 });
    const page = await (await hasty("/", "text/html")).text();
    assert.match(page, /What operators did last/);
    assert.match(page, /could not be read in time/);
    assert.match(page, /No run is parked or has failed/);
  }, ["operations"]);
  await locking(schema, async () => {
    const answer = await hasty("/runs", "text/html");
    const page = await answer.text();
    assert.equal(answer.status, 200);
    assert.match(page, /could not be read in time/);
    assert.match(page, /Narrow by workflow/, "the filter is there to narrow it");
    const { runs, offered, missing } = await (await hasty("/runs", "application/json")).json();
    assert.deepEqual([runs, offered.workflows], [null, ["echo"]]);
    assert.deepEqual(Object.keys(missing).sort(), ["attributes", "runs"]);
  }, ["runs"]);
});

Deno.test("LATECHECK-1: a check of health that is not read in time leaves the others, and is a finding", async () => {
  await using set = await scene(POSTGRES);
  await set.node.schedules.create({ id: "s", workflow: "echo", every: "1h" });
  await set.node.close();
  const { database, schema } = set.db;
  await set.db.query(`update {schema}.schedules set fire_at = now() - interval '1 hour'`);
  await using client = await Continuum.connect({ database, schema });
  const hasty = asking(client, PART_MS);
  await locking(schema, async () => {
    const report = await (await hasty("/health", "application/json")).json();
    assert.equal(report.status, "degraded");
    assert.deepEqual(checksOf(report), ["due", "ends", "parked"]);
    const others = report.findings.filter(({ code }: Finding) => code !== "LATE_CHECK");
    assert.deepEqual(
      others.map(({ code }: Finding) => code).sort(),
      ["OVERDUE_SCHEDULE", "UNSIGNED_CODE"],
    );
    const page = await (await hasty("/health", "text/html")).text();
    assert.match(page, /Could not read in time which runs are parked: the database had 1000 ms/);
    assert.match(page, /is due, and no node fires it/);
  }, ["runs"]);
});

Deno.test("BOUNDED-1: a page waits no longer for a session than for a statement", async () => {
  await using db = await emptyPostgres();
  const { database, schema } = db;
  await using client = await Continuum.connect({ database, schema });
  const others = await locking(schema, async () => {
    const others = Array.from({ length: 8 }, () => client.runs.query()); // more than sessions
    const { status, body } = await asking(client, MS)("/runs", "application/json");
    await body?.cancel();
    assert.equal(status, 504);
    return { ended: Promise.all(others) };
  });
  assert.equal((await others.ended).length, 8, "the limit of a page is that of no other call");
});

Deno.test("BOUNDS-1: a replay waits for its turn by a time, and then takes no one's place", async () => {
  const looks = new Looks(MS);
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const busy = Array.from({ length: 4 }, () => looks.heavy(() => over));
  await assert.rejects(looks.heavy(() => Promise.resolve()), { code: "QUERY_TIMEOUT" });
  const next = looks.heavy(() => Promise.resolve("done"));
  end();
  await Promise.all(busy);
  assert.equal(await next, "done");
  assert.deepEqual(
    await Promise.all(
      Array.from({ length: 9 }, (_, index) => looks.heavy(() => Promise.resolve(index))),
    ),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
});
