/**
 * A node over a pool of `jsr:@db/postgres`: the workflow writes with the application's own driver, in
 * the transaction that commits its step. It wants a Postgres: `DATABASE_URL`.
 *
 * In your project, `deno add jsr:@db/postgres@^0.19.5` gives the import below. In this one the name
 * stands for a double with the driver's classes, since tests need nothing of JSR.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Pool } from "@db/postgres";
import { Continuum } from "@continuum/continuum";
import { dbPostgres } from "@continuum/continuum/db-postgres";
import booking from "./booking.ts";

const url = new URL(Deno.env.get("DATABASE_URL") ?? "postgres://postgres@localhost/postgres");
// The engine takes up to nine clients; the others are the application's.
const pool = new Pool(
  {
    hostname: url.hostname,
    port: Number(url.port || 5432),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: url.pathname.slice(1),
    tls: { enabled: false },
  },
  12,
  true,
);
{
  using client = await pool.connect();
  await client.queryObject`drop schema if exists example_seats, example_db_postgres cascade`;
  await client.queryObject`create schema example_seats`;
  await client.queryObject`create table example_seats.booked (seat text primary key, guest text)`;
}
{
  await using continuum = await Continuum.open({
    database: dbPostgres(pool, { pollMs: 200 }),
    schema: "example_db_postgres",
    workflows: [import.meta.resolve("./booking.ts")],
  });
  for (const guest of ["Ada", "Grace"]) {
    const run = await continuum.start(booking, { seat: "7A", guest });
    console.log(await run.result());
  }
}
{
  using client = await pool.connect(); // the engine has given its clients back
  const { rows } = await client.queryObject<
    { guest: string }
  >`select guest from example_seats.booked`;
  console.log(rows.map(({ guest }) => guest));
}
await pool.end();

// Prints:
// Ada has 7A
// 7A is taken
// [ "Ada" ]
