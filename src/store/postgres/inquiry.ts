/**
 * Asks the server over another connection whether it executes a statement. If a firewall or a
 * pooler has dropped a connection, it stays open here and no answer arrives: only the server can
 * tell this from a statement that takes long.
 *
 * @module
 */

import pg from "pg";
import { inBackground } from "../../base/background.ts";
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
 * @param signal Ends the inquiry at once, such as when the statement was answered.
 * @returns Whether it executes one; `null`: unknown.
 */
export async function isExecuting(
  url: string,
  pid: number,
  signal: AbortSignal,
): Promise<boolean | null> {
  const client = new pg.Client({
    ...clientOptions(url, "continuum inquiry"),
    connectionTimeoutMillis: INQUIRY_MS,
    query_timeout: INQUIRY_MS,
  });
  client.on("error", () => {});
  const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => abort(), { once: true });
  // Whatever the client waits for fails with its stream.
  inBackground(aborted.then(() => client.connection.stream.destroy()));
  try {
    await client.connect();
    for (let look = 0; look < 2; look++) {
      if (look > 0) await atMost(PAUSE_MS, aborted);
      const { rows: [row] } = await client.query<Activity>(LOOK.text, LOOK.bind({ pid }));
      if (row?.state === null) return null;
      if (row?.state === "active" && row.wait !== "ClientWrite") return true;
    }
    return false;
  } catch {
    return null;
  } finally {
    if (!signal.aborted) {
      await atMost(PAUSE_MS, Promise.race([client.end().catch(() => {}), aborted]));
    }
    client.connection.stream.destroy();
  }
}

/** Waits until a promise is fulfilled, and no longer than some milliseconds. */
async function atMost(ms: number, promise: Promise<void>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, over]);
  clearTimeout(timer);
}
