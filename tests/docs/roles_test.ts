/**
 * `docs/roles.md`: its SQL is executed, with other names, and each role can do what the page says,
 * and nothing else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../src/continuum.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import type { SqlDriver } from "../../src/store/sql/driver.ts";
import { newName, postgresUrl } from "../support/database.ts";
import {
  EVERYTHING,
  everythingIn,
  finishEverything,
  startEverything,
} from "../support/everything.ts";
import { type Folder, makeFolder } from "../support/modules.ts";
import { observer, RIGHTS } from "../../src/observer/mod.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { PROJECT } from "../support/project.ts";
import { BRISK, resultOf } from "../support/runs.ts";

type Role = "owner" | "worker" | "client" | "observer";

/** Completes its activity later, by the token that it leaves behind. */
const LATER = `
import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";
export const sign = defineActivity(
  { name: "sign", idempotencyKey: (name: string) => name },
  async (_: string, attempt) => {
    (globalThis as any).rolesForTest(await attempt.token());
    return attempt.completeLater();
  },
);
export default defineWorkflow({ name: "later" }, (ctx, name: string) => ctx.activity(sign, name));
`;

/** Waits for another run. */
const WAITER = `
import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "waiter" }, (ctx, id: string) =>
  ctx.handle(id).result().catch((error) => error.code));
`;

/** The page's roles and schema under names of the test's own. */
async function makePlace() {
  await using stack = new AsyncDisposableStack();
  const page = await Deno.readTextFile(new URL("docs/roles.md", PROJECT));
  const name = newName("roles_");
  const scripts = [...page.matchAll(/```sql\n([^]*?)```/g)].map(([, sql]) =>
    sql!.replaceAll(/\bcontinuum\b/g, name).replaceAll(/\bcontinuum_/g, `${name}_`)
  );
  assert.equal(scripts.length, 2);
  const admin = await postgres(postgresUrl()).open();
  stack.defer(() => admin.close());
  stack.defer(async () => {
    await admin.script(`drop schema if exists ${name}, ${name}_own cascade`);
    for (const role of ["owner", "worker", "client", "observer"]) {
      await admin.script(`drop owned by ${name}_${role}`);
      await admin.script(`drop role ${name}_${role}`);
    }
  });
  await admin.script(scripts[0]!);
  const urlOf = (role: Role) =>
    Object.assign(new URL(postgresUrl()), { username: `${name}_${role}` }).href;
  const connect = (role: Role, migrate: "check" | "apply" = "check") =>
    Continuum.connect({ database: urlOf(role), schema: name, migrate });
  const owner = await connect("owner", "apply");
  await owner.close();
  const own = await postgres(urlOf("owner")).open();
  await own.script(scripts[1]!);
  await own.close();
  await admin.script(`
    create schema ${name}_own;
    create table ${name}_own.booked (run text, at timestamptz, said text);
    grant usage on schema ${name}_own to ${name}_worker;
    grant all on ${name}_own.booked to ${name}_worker`);
  const kept = stack.move();
  return {
    ...{ admin, name, urlOf, connect },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

type Place = Awaited<ReturnType<typeof makePlace>>;

function openWorker({ urlOf, name }: Place, folder: Folder): Promise<Continuum> {
  return Continuum.open({
    ...BRISK,
    database: urlOf("worker"),
    schema: name,
    migrate: "check",
    workflows: [...everythingIn(folder.url), folder.url + "later.ts", folder.url + "waiter.ts"],
    queues: { mail: {} },
  });
}

function forbidden(what: string): { code: string; message: RegExp } {
  return { code: "DATABASE_UNSUITABLE", message: new RegExp(`permission denied for .*${what}`) };
}

Deno.test("docs/roles.md: each role can do what the page says, and what it may not do it says", async (test) => {
  await using place = await makePlace();
  const { name, connect, admin } = place;
  await using folder = await makeFolder({ ...EVERYTHING, "later.ts": LATER, "waiter.ts": WAITER });
  const tokens = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  let next = 0;
  Object.assign(globalThis, { rolesForTest: (token: string) => tokens[next++]!.resolve(token) });

  await test.step("a worker executes everything, and acts on runs, but on no denials", async () => {
    await using worker = await openWorker(place, folder);
    await startEverything(worker, `${name}_own.booked`, ["w1", "w2"]);
    await finishEverything(worker, ["w1", "w2"]);
    const acting = worker.asOperator({ name: "ana", reason: "an attempt" });
    await acting.runs.delete("w1");
    assert.ok((await acting.runs.prune({ olderThan: 0 })).runs > 0);
    const [version] = (await worker.versions.list({ workflow: "everything" })).versions;
    await assert.rejects(
      acting.versions.deny(version!.hash, { reason: "no" }),
      forbidden("denied"),
    );
    await assert.rejects(worker.operations.prune({ olderThan: 0 }), forbidden("operations"));
    assert.deepEqual((await worker.health()).findings.filter(({ severe }) => severe), []);
  });

  await test.step("a client starts, signals, awaits, ends and plans runs, and acts on no versions", async () => {
    await using _worker = await openWorker(place, folder);
    await using client = await connect("client");
    await startEverything(client, `${name}_own.booked`, ["c1", "c2"]);
    await finishEverything(client, ["c1", "c2"]);
    const waiting = { text: "x", table: `${name}_own.booked`, generation: 0 };
    for (const [ifExists, signal] of [["use", undefined], ["terminate", { name: "go" }]] as const) {
      for (let time = 0; time < 2; time++) {
        await client.start("everything", waiting, {
          ...{ idempotencyKey: `key ${ifExists}`, ifExists: ifExists as "terminate" },
          ...signal === undefined ? {} : { signal },
        });
      }
    }
    const run = await client.start("everything", waiting, { delay: "1h", attributes: { a: 1 } });
    await run.attributes.set({ b: 2 });
    await run.cancel();
    await run.reached("cancelled");
    const awaited = await client.start("everything", waiting, { delay: "1h" });
    const waiter = await client.start("waiter", awaited.id);
    await waiter.reached("suspended");
    await awaited.terminate();
    assert.deepEqual(
      await admin.query(`select 1 from ${name}.awaits`),
      [],
      "who waits is notified",
    );
    assert.equal(await resultOf(waiter), "RUN_TERMINATED");
    const plan = { id: "plan", workflow: "leaf", input: "x", every: "1h" } as const;
    await client.schedules.create(plan);
    await client.schedules.create({ ...plan, every: "2h", ifExists: "replace" });
    await client.schedules.pause("plan");
    await client.schedules.resume("plan");
    assert.equal(await resultOf((await client.schedules.trigger("plan"))!), "x");
    await client.schedules.delete("plan");
    for (const end of ["complete", "fail"] as const) {
      const later = await client.start("later", end);
      const token = await tokens[end === "complete" ? 0 : 1]!.promise;
      await client.activities.heartbeat(token, "half");
      if (end === "complete") await client.activities.complete(token, "signed");
      else await client.activities.fail(token, new Error("no"));
      if (end === "complete") assert.equal(await resultOf(later), "signed");
    }
    const own = await postgres(place.urlOf("client")).open();
    await own.transaction((transaction) => client.start("leaf", "x", { transaction }));
    await own.close();
    const acting = client.asOperator({ name: "ana", reason: "an attempt" });
    await assert.rejects(acting.start("leaf", "x"), forbidden("operations"));
    await assert.rejects(client.runs.delete("c1"), forbidden(""));
    await assert.rejects(client.runs.prune({ olderThan: 0 }), forbidden(""));
    const [version] = (await client.versions.list({ workflow: "leaf" })).versions;
    await assert.rejects(
      client.versions.deny(version!.hash, { reason: "no" }),
      forbidden("denied"),
    );
  });

  await test.step("an observer reads everything, and does nothing", async () => {
    await using looks = await connect("observer");
    const run = looks.run("c1");
    assert.equal((await run.status()).state, "completed");
    await run.trace();
    await looks.runs.export(["c1"]);
    assert.ok(await looks.runs.count({}) > 3);
    assert.equal((await looks.health()).nodes.length, 0);
    for (const list of [looks.versions, looks.operations, looks.schedules]) await list.list({});
    const answer = observer(looks, { access: () => ({ name: "viewer", may: RIGHTS }) });
    for (const { path, kind } of ROUTES) {
      if (kind !== "page" || path.includes(":") && !path.endsWith("/:id")) continue;
      const id = path.startsWith("/runs") ? "c1" : "plan";
      const url = `http://observer.test${path.replace(":id", id)}`;
      const { status } = await answer(new Request(url, { headers: { host: "observer.test" } }));
      assert.ok(status === 200 || status === 404, `${path} answers ${status}`);
    }
    await assert.rejects(looks.start("leaf", "x"), forbidden(""));
    await assert.rejects(run.result(), forbidden("runs"));
    await assert.rejects(run.signal("go"), forbidden(""));
    await assert.rejects(run.attributes.set({ a: 1 }), forbidden("runs"));
    await assert.rejects(
      looks.schedules.create({ id: "x", workflow: "leaf", every: "1h" }),
      forbidden("schedules"),
    );
  });

  await test.step("no role can open as more than it is, and the rights are no more than these", async () => {
    for (const role of ["client", "observer"] as const) {
      await assert.rejects(
        Continuum.open({ database: place.urlOf(role), schema: name, migrate: "check" }),
        {
          code: "DATABASE_UNSUITABLE",
          message: /no right to delete on .*wanted the rights of a node/,
        },
      );
    }
    await admin.query(`revoke select on ${name}.events from ${name}_client`);
    await assert.rejects(connect("client"), {
      code: "DATABASE_UNSUITABLE",
      message: /no right to select on .*events, wanted the rights of a client/,
    });
    assert.deepEqual(await written(admin, name, "observer"), []);
    const worker = await written(admin, name, "worker");
    for (const table of ["denied", "schema_versions"]) assert.ok(!worker.includes(table), table);
  });
});

/** The tables that a role may write somehow. */
async function written(admin: SqlDriver, schema: string, role: Role): Promise<string[]> {
  const rows = await admin.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r'
       and has_any_column_privilege($2, oid, 'insert, update') or relkind = 'r'
       and relnamespace = $1::regnamespace and has_table_privilege($2, oid, 'delete, truncate')
     order by 1`,
    [schema, `${schema}_${role}`],
  );
  return rows.map(({ name }) => name);
}
