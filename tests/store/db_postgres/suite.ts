/**
 * What the adapter for `jsr:@db/postgres` promises, on whatever has that package's classes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Continuum } from "../../../mod.ts";
import { type DbPool, type DbPoolClient, dbPostgres } from "../../../src/store/db_postgres/mod.ts";
import type { SqlDriver, SqlSession } from "../../../src/store/sql/driver.ts";
import { SchemaName } from "../../../src/store/schema/name.ts";
import {
  type DatabaseKind,
  emptyDatabase,
  emptyPostgres,
  POSTGRES,
  postgresUrl,
  type RegisterTest,
} from "../../support/database.ts";
import { Proxy } from "../../support/proxy.ts";
import { SchemaPool } from "../../support/schema_pool.ts";
import type { PARTS } from "../conformance/all.ts";

/** What a test sets in a pool. */
export interface PoolSettings {
  /** How many clients it has. */
  readonly size?: number;
  /** Where the server listens, if not where tests have it. */
  readonly port?: number;
  /** What its sessions are called. */
  readonly applicationName?: string;
  /** How it decodes. */
  readonly controls?: {
    readonly decodeStrategy?: "auto" | "string";
    readonly decoders?: Readonly<Record<string, (text: string) => unknown>>;
  };
}

/** A pool, with what the application calls. */
export interface OwnPool extends DbPool {
  /** Ends it. */
  end(): Promise<void>;
}

/** Makes a pool: its type is that of the driver. */
export type MakePool = (
  settings: Required<Pick<PoolSettings, "size" | "port">> & PoolSettings & {
    readonly hostname: string;
    readonly user: string;
    readonly password: string | undefined;
    readonly database: string;
  },
) => OwnPool;

/** What a driver's `queryObject` returns. */
interface ObjectClient {
  queryObject(text: string, args?: unknown[]): Promise<{ readonly rows: unknown[] }>;
  queryArray(text: string, args?: unknown[]): Promise<{ readonly rows: unknown[] }>;
}

const UNAVAILABLE = { code: "DATABASE_UNAVAILABLE" };

const TYPED = `select 7::integer as whole, 9007199254740991::bigint as large, 0.1::float8 as real,
  1.50::numeric as exact, '\\x005cff'::bytea as bytes, true as yes, null as nothing,
  '{"a":  1}'::json::text as text, '{"a":1}'::jsonb as parsed, '"x"'::json as word, 3::oid as oid`;

const VALUES = {
  ...{ whole: 7, large: 9007199254740991, real: 0.1, exact: "1.50" },
  ...{ bytes: Uint8Array.of(0, 92, 255), yes: true, nothing: null },
  ...{ text: '{"a":  1}', parsed: { a: 1 }, word: "x", oid: 3 },
};

/**
 * Registers the suite.
 *
 * @param make Makes a pool.
 * @param test Registers one test.
 * @param parts Which parts of the suite of all stores are in it.
 */
export function dbPostgresSuite(make: MakePool, test: RegisterTest, parts: typeof PARTS): void {
  const server = () => new URL(postgresUrl());
  const portOf = (url: URL) => Number(url.port || 5432);
  const poolOf = (settings: PoolSettings = {}) => {
    const url = server();
    return make({
      ...{ size: 12, port: portOf(url), hostname: url.hostname, database: url.pathname.slice(1) },
      ...{ user: url.username, password: url.password === "" ? undefined : url.password },
      ...settings,
    });
  };
  /** Uses a pool, and finds all its clients back in it. */
  const using = async (settings: PoolSettings, work: (pool: OwnPool) => Promise<void>) => {
    const pool = poolOf(settings);
    await work(pool);
    if (pool.size > 0) assert.equal(pool.available, pool.size, "every client is back");
    await pool.end();
  };
  const opened = async (
    pool: DbPool,
    work: (driver: SqlDriver) => Promise<void>,
    options: Parameters<typeof dbPostgres>[1] = {},
  ) => {
    const driver = await dbPostgres(pool, options).open();
    try {
      await work(driver);
    } finally {
      await driver.close();
    }
  };
  const proxied = async (work: (proxy: Proxy) => Promise<void>) => {
    const { hostname } = server();
    await using proxy = new Proxy({ hostname, port: portOf(server()) });
    await work(proxy);
  };
  const oneOf = (driver: SqlSession) => driver.query("select 1 as one");
  /** The first answer that is none of a lost connection. */
  const persistent = async (ask: () => Promise<unknown>): Promise<unknown> => {
    for (let attempt = 0; attempt < 30; attempt++) {
      try {
        return await ask();
      } catch (error) {
        assert.equal((error as { code?: string }).code, UNAVAILABLE.code, String(error));
      }
    }
    return assert.fail("Nothing was answered");
  };

  test("DECODING-1: values are what the store reads, however the pool decodes them", async () => {
    for (const decodeStrategy of ["auto", "string"] as const) {
      await using({ controls: { decodeStrategy } }, (pool) =>
        opened(pool, async (driver) => {
          const own = await driver.query(TYPED);
          const inside = await driver.transaction((session) => session.query(TYPED), {
            isUsers: true,
          });
          assert.deepEqual([own, inside], [[VALUES], [VALUES]]);
          const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
          const given = [bytes, "é\\\"{}'", 0.1, -7, true, null];
          const [back] = await driver.query<Record<string, unknown>>(
            `select $1::bytea as a, $2::text as b, $3::float8 as c, $4::integer as d,
               $5::boolean as e, $6::text as f`,
            given as string[],
          );
          assert.deepEqual(Object.values(back!), given);
          assert.deepEqual(await driver.query("select 1 as a, 2 as a"), [{ a: 2 }]);
          assert.deepEqual(await driver.query("set local lock_timeout = 0"), []);
        }));
    }
  });

  test("DECODING-1: a pool whose decoders change what the store reads is refused", async () => {
    const controls = { decoders: { int8: () => "changed" } };
    await using({ controls }, (pool) =>
      opened(pool, (driver) =>
        assert.rejects(oneOf(driver), {
          code: "DATABASE_UNSUITABLE",
          message: /controls\.decoders of the pool .*found another value of type int8/,
        })));
  });

  test("errors of the server have its SQLSTATE, and leave the client usable", async () => {
    await using({}, (pool) =>
      opened(pool, async (driver) => {
        for (const values of [[], [1]]) {
          const text = values.length === 0 ? "select 1 / 0" : "select $1::integer / 0";
          await assert.rejects(driver.query(text, values), { code: "22012" });
          await assert.rejects(
            driver.transaction((session) => session.query(text, values), { isUsers: true }),
            { name: "PostgresError", code: "22012" },
          );
        }
        assert.deepEqual(await oneOf(driver), [{ one: 1 }]);
      }));
  });

  test("COMMIT-2: a transaction of which a statement failed is not said to be committed", async () => {
    await using({}, (pool) =>
      opened(pool, async (driver) => {
        await assert.rejects(
          driver.transaction(async (session) => {
            await session.query("select 1 / 0").catch(() => {});
          }, { isUsers: true }),
          /Cannot commit/,
        );
        assert.deepEqual(await oneOf(driver), [{ one: 1 }]);
      }));
  });

  test("SEAT-2: the application and the engine see nothing of each other's sessions", async () => {
    await using({ size: 3 }, async (pool) => {
      const set = async (client: DbPoolClient) => {
        await client.queryArray({ text: "set search_path = nowhere" });
        await client.queryArray({ text: "begin" });
        client.release();
      };
      for (const client of [await pool.connect(), await pool.connect()]) await set(client);
      await opened(pool, async (driver) => {
        const shown = async (session: SqlSession) =>
          (await session.query<{ search_path: string }>("show search_path"))[0]!.search_path;
        assert.equal(await shown(driver), "pg_catalog");
        const own = await driver.transaction(shown, { isUsers: true });
        assert.notEqual(own, "nowhere");
      });
      const client = await pool.connect();
      const { rows } = await client.queryArray({ text: "show search_path" });
      assert.notEqual(rows[0]![0], "pg_catalog");
      client.release();
    });
  });

  test("DBPOSTGRES-1: nothing of a transaction is executed after its connection was lost", async () => {
    await using db = await emptyPostgres();
    await db.query("create schema {schema}");
    await db.query("create table {schema}.ledger (entry text)");
    const insert = new SchemaName(db.schema).fill("insert into {schema}.ledger values ('x')");
    await using({}, (pool) =>
      opened(pool, async (driver) => {
        const outcomes = Promise.withResolvers<string[]>();
        await assert.rejects(
          driver.transaction(async (session) => {
            const [own] = await session.query<{ pid: number }>("select pg_backend_pid() as pid");
            await session.query(insert);
            await db.query("select pg_terminate_backend($1)", [own!.pid]);
            const client = session.client as ObjectClient;
            const asked = await Promise.allSettled([
              session.query(insert),
              client.queryArray(insert),
              client.queryObject(insert),
              session.query(insert),
            ]);
            outcomes.resolve(asked.map(({ status }) => status));
          }, { isUsers: true }),
          UNAVAILABLE,
        );
        assert.deepEqual(await outcomes.promise, Array(4).fill("rejected"));
        assert.deepEqual(await db.query("select * from {schema}.ledger"), []);
        await persistent(() => oneOf(driver));
      }));
  });

  test("SEAT-3: connections that are cut while nothing is asked cost no client, round after round", async () => {
    const applicationName = `idle_${crypto.randomUUID().slice(0, 8)}`;
    await using db = await emptyPostgres();
    await using({ size: 4, applicationName }, (pool) =>
      opened(pool, async (driver) => {
        const transact = () => driver.transaction(oneOf, { isUsers: true });
        for (let round = 0; round < 8; round++) {
          await Promise.all([oneOf(driver), transact()].map((ask) => ask.catch(() => {})));
          await db.query(
            `select pg_terminate_backend(pid, 5000) from pg_stat_activity
             where application_name = $1`,
            [applicationName],
          );
          assert.deepEqual(await persistent(() => oneOf(driver)), [{ one: 1 }]);
          assert.deepEqual(await persistent(transact), [{ one: 1 }]);
        }
      }));
  });

  test("whatever connections are lost, every statement is answered, and so are those after it", async () => {
    const applicationName = `lost_${crypto.randomUUID().slice(0, 8)}`;
    await using db = await emptyPostgres();
    await using({ applicationName }, (pool) =>
      opened(pool, async (driver) => {
        const ask = (session: SqlSession, index: number) =>
          session.query("select $1::integer as it", [index]);
        const work = (index: number) =>
          index % 5 === 0
            ? driver.transaction(async (session) => [
              await ask(session, index),
              await ask(session, index),
            ])
            : ask(index % 3 === 0 ? driver.impatient : driver, index);
        for (let round = 0; round < 10; round++) {
          const asked = Promise.allSettled(Array.from({ length: 40 }, async (_, index) => {
            for (let turn = 0; turn < index % 7; turn++) await new Promise(setImmediate);
            return await work(index);
          }));
          await db.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1",
            [applicationName],
          );
          for (const { status, reason } of await asked as PromiseRejectedResult[]) {
            if (status === "rejected") assert.equal(reason.code ?? reason, UNAVAILABLE.code);
          }
        }
        await persistent(() => oneOf(driver));
      }));
  });

  test("SEAT-1: a server that is away for a while costs the pool no client", async () => {
    await proxied((proxy) =>
      using({ size: 3, port: proxy.port }, (pool) =>
        opened(pool, async (driver) => {
          const transact = () => driver.transaction(oneOf, { isUsers: true });
          await Promise.all([oneOf(driver), transact()]);
          proxy.cut();
          for (let attempt = 0; attempt < 5; attempt++) {
            await assert.rejects(oneOf(driver), UNAVAILABLE);
            await assert.rejects(transact(), UNAVAILABLE);
          }
          proxy.restore();
          assert.deepEqual(await persistent(() => oneOf(driver)), [{ one: 1 }]);
          assert.deepEqual(await persistent(transact), [{ one: 1 }]);
        }))
    );
  });

  test("SEAT-4: where the application has all clients, the engine says so, and does not wait", async () => {
    await using({ size: 2 }, async (pool) => {
      const held = [await pool.connect(), await pool.connect()];
      await opened(pool, async (driver) => {
        await assert.rejects(oneOf(driver), {
          ...UNAVAILABLE,
          message: /own pool.*all 2 clients of the pool are in use.* needs two connections/,
        });
        for (const client of held) client.release();
        assert.deepEqual(await oneOf(driver), [{ one: 1 }]);
      }, { name: "own pool" });
    });
  });

  test("CONNECTION-3: a client that goes mute is connected anew, one that works for long is waited for", async () => {
    await proxied((proxy) =>
      using({ size: 3, port: proxy.port }, (pool) =>
        opened(pool, async (driver) => {
          await oneOf(driver);
          await driver.query("select pg_sleep(1)"); // ten times as long
          proxy.mute();
          await assert.rejects(oneOf(driver), {
            ...UNAVAILABLE,
            details: { mayBeWritten: true, database: "mute" },
          });
          assert.deepEqual(await persistent(() => oneOf(driver)), [{ one: 1 }]);
        }, { name: "mute", connections: 1, answerMs: 100 }))
    );
  });

  test("without LISTEN a node finds what other processes ask for, and with listenUrl it is notified", async () => {
    for (const options of [{ pollMs: 50 }, { listenUrl: postgresUrl() }]) {
      await using db = await POSTGRES.fresh();
      const { schema } = db;
      const module = `data:application/typescript,${
        encodeURIComponent(`
          import { defineWorkflow } from "${import.meta.resolve("../../../src/workflow/mod.ts")}";
          export default defineWorkflow({ name: "held" }, async (ctx) => {
            const by = await ctx.transaction("entry", async (tx) => {
              const { rows } = await tx.client.queryObject("select $1::text as who", ["driver"]);
              return rows[0].who;
            });
            return by + " " + await ctx.waitForSignal("go");
          });`)
      }`;
      await using({}, async (pool) => {
        await using node = await Continuum.open({
          database: dbPostgres(pool, options),
          schema,
          workflows: [module],
          lease: "1h", // so that no heartbeat finds it
        });
        await using client = await Continuum.connect({ database: db.database, schema });
        const run = await client.start("held");
        await run.signal("go", "went");
        assert.equal(await run.result(), "driver went");
        await node.close();
      });
    }
  });

  test("what is no pool, and what is no option, is refused", () => {
    const pool = { connect: () => {}, size: 1, available: 1 } as unknown as DbPool;
    for (const wrong of [null, "postgres://localhost/app", {}, { ...pool, size: "1" }]) {
      assert.throws(() => dbPostgres(wrong as unknown as DbPool), {
        code: "INVALID_ARGUMENT",
        message: /the pool of dbPostgres\(\).*wanted a Pool of jsr:@db\/postgres/,
      });
    }
    for (
      const [options, wanted] of [
        [{ pollMs: 10 }, /pollMs.*50/],
        [{ connections: 0 }, /connections/],
        [{ polMs: 1_000 }, /polMs.*pollMs/],
        [{ name: "" }, /name/],
        [{ listenUrl: "nowhere" }, /postgres:\/\/user@host\/name/],
      ] as const
    ) {
      assert.throws(() => dbPostgres(pool, options as never), wanted);
    }
    return Promise.resolve();
  });

  const shared = poolOf({ size: 40 });
  const database = () => dbPostgres(shared, { listenUrl: postgresUrl() });
  let schemas: SchemaPool | undefined;
  Deno.test.afterAll(async () => {
    await schemas?.close();
    await shared.end();
  });
  const own: DatabaseKind = {
    name: "Postgres",
    fresh: () => (schemas ??= new SchemaPool(database(), "db ")).take(),
    empty: () => emptyDatabase(database()),
  };
  for (const part of parts) part(own, (name, fn) => test(`the suite of all stores: ${name}`, fn));
}
