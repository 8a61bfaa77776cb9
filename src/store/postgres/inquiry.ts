/**
 * Asks the server over another connection whether it executes a statement. If a firewall or a
 * pooler has dropped a connection, it stays open here and no answer arrives: only the server can
 * tell this from a statement that takes long.
 *
 * @module
 */

import type { SqlValue } from "../sql/driver.ts";
import { NUMBER } from "../sql/parameters.ts";
import { rows, statement } from "../sql/statement.ts";

/** Milliseconds that the inquiry may take. */
export const INQUIRY_MS = 5_000;

/** Milliseconds between the two looks: after one look, the answer could still be on its way. */
export const PAUSE_MS = 200;

interface Activity {
  readonly state: string | null;
  readonly wait: string | null;
}

const LOOK = statement(
  { pid: NUMBER },
  rows<Activity>(),
  "select state, wait_event as wait from pg_stat_activity where pid = $pid",
).prepare();

/** Asks the server for one row over a connection that nothing else uses. */
export type Ask = (text: string, values: readonly SqlValue[]) => Promise<readonly unknown[]>;

/**
 * Asks the server twice whether it executes a statement.
 *
 * @param pid The process id of the server process.
 * @param ask Asks it.
 * @param aborted Resolves when the answer is of no use any more.
 * @returns Whether it executes one; `null`: unknown.
 */
export async function isExecuting(
  pid: number,
  ask: Ask,
  aborted: Promise<void>,
): Promise<boolean | null> {
  for (let look = 0; look < 2; look++) {
    if (look > 0) await atMost(PAUSE_MS, aborted);
    const [row] = await ask(LOOK.text, LOOK.bind({ pid })) as readonly Activity[];
    if (row?.state === null) return null;
    if (row?.state === "active" && row.wait !== "ClientWrite") return true;
  }
  return false;
}

/** Waits until a promise is fulfilled, and no longer than some milliseconds. */
export async function atMost(ms: number, promise: Promise<void>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, over]);
  clearTimeout(timer);
}
