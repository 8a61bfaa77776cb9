/**
 * Carries an upgrade on after its request has been answered. The database keeps how far it is, so
 * another process can continue if this one ends.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import { type Continuum, logsOf } from "../operate/client.ts";
import type { RunningUpgrade } from "../operate/upgrade.ts";

/** How long a request waits for the first verdict, in milliseconds. */
const FIRST_MS = 1_000;

/**
 * Drives an upgrade to its end, in the background.
 *
 * @param client Whose upgrade it is.
 * @param upgrade The upgrade.
 * @throws Whatever it fails with at its beginning.
 */
export async function drive(
  client: Continuum,
  { job, verdicts }: RunningUpgrade,
): Promise<void> {
  const driven = drained(verdicts);
  inBackground(driven, (error) => {
    const log = logsOf(client).observer;
    log.error("The upgrade {job} stopped, and can be resumed: {error}", { job, error });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, FIRST_MS);
  await Promise.race([driven, promise]).finally(() => clearTimeout(timer));
}

async function drained(verdicts: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of verdicts) { /* The database keeps them. */ }
}
