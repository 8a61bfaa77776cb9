/**
 * An inquiry over `npm:pg`.
 *
 * @module
 */

import pg from "pg";
import { inBackground } from "../../base/background.ts";
import { clientOptions } from "./client.ts";
import { type Ask, atMost, INQUIRY_MS, isExecuting, PAUSE_MS } from "./inquiry.ts";

/**
 * Asks the server over a connection of `npm:pg` that is made for this.
 *
 * @param url The URL of the database.
 * @param pid The process id of the server process.
 * @param signal Ends the inquiry at once, such as when the statement was answered.
 * @returns Whether it executes one; `null`: unknown.
 */
export async function askOnce(
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
    const ask: Ask = async (text, values) => (await client.query(text, [...values])).rows;
    return await isExecuting(pid, ask, aborted);
  } catch {
    return null;
  } finally {
    if (!signal.aborted) {
      await atMost(PAUSE_MS, Promise.race([client.end().catch(() => {}), aborted]));
    }
    client.connection.stream.destroy();
  }
}
