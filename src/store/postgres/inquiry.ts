/**
 * Asks the server over another connection whether it executes a statement. If a firewall or a
 * pooler has dropped a connection, it stays open here and no answer arrives: only the server can
 * tell this from a statement that takes long.
 *
 * @module
 */

import pg from "pg";
import { NUMBER } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";
import { clientOptions } from "./client.ts";

/** Milliseconds that the inquiry may take. */
const INQUIRY_MS = 5_000;

/** Milliseconds between the two looks: after one look, the answer could still be on its way. */
const PAUSE_MS = 200;

interface Activity {
  readonly state: string | null;
  readonly wait: string | null;
}

const LOOK = statement(
  { pid: NUMBER },
  rows<Activity>(),
  "select state, wait_event as wait from pg_stat_activity where pid = $pid",
).prepare();

/**
 * Asks the server twice whether it executes a statement.
 *
 * @param url The URL of the database.
 * @param pid The process id of the server process.
 * @returns Whether it executes one; `null`: unknown.
 */
export async function isExecuting(url: string, pid: number): Promise<boolean | null> {
  const client = new pg.Client({
    ...clientOptions(url, "continuum inquiry"),
    connectionTimeoutMillis: INQUIRY_MS,
    query_timeout: INQUIRY_MS,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    for (let look = 0; look < 2; look++) {
      if (look > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      const { rows: [row] } = await client.query<Activity>(LOOK.text, LOOK.bind({ pid }));
      if (row?.state === null) return null;
      if (row?.state === "active" && row.wait !== "ClientWrite") return true;
    }
    return false;
  } catch {
    return null;
  } finally {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PAUSE_MS);
    await Promise.race([client.end().catch(() => {}), over]);
    clearTimeout(timer);
    client.connection.stream.destroy();
  }
}
