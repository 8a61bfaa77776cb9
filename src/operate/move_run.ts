/**
 * Moves one run to other code, or takes up a failed one on it; each after a proof.
 *
 * @module
 */

import type { ReopenReport } from "../client/run/reopen.ts";
import type { UpgradeReport } from "../client/run/upgrade.ts";
import type { Continuum } from "../continuum.ts";
import { given } from "./client.ts";
import { type Plain, plain } from "./plain.ts";
import { wholeHash } from "./versions.ts";

/** What an upgrade of a run would do, or has done. */
export type UpgradeLine = Plain<UpgradeReport>;

/** What taking up a failed run would do, or has done. */
export type ReopenLine = Plain<ReopenReport>;

/**
 * Replays a run's history on other code, and moves the run if it matches.
 *
 * @param client The client; it trusts the code.
 * @param id The run.
 * @param to The target: a version's hash, or its first digits; the current version when omitted.
 * @param dryRun Whether only to report. `RunHandle.upgrade` lists the errors.
 */
export async function upgradeRun(
  client: Continuum,
  id: string,
  to: string | undefined,
  dryRun: boolean,
): Promise<UpgradeLine> {
  const target = to === undefined ? undefined : await wholeHash(client, to);
  return plain(await client.run(id).upgrade({ ...given({ to: target }), dryRun }));
}

/**
 * Replays the history of a failed run on other code, and takes the run up if it matches and the code
 * does not fail again.
 *
 * @param client The client; it trusts the code.
 * @param id The run.
 * @param to The target: a version's hash, or its first digits; the current version when omitted.
 * @param dryRun Whether only to report. `RunHandle.reopen` lists the errors.
 */
export async function reopenRun(
  client: Continuum,
  id: string,
  to: string | undefined,
  dryRun: boolean,
): Promise<ReopenLine> {
  const target = to === undefined ? undefined : await wholeHash(client, to);
  return plain(await client.run(id).reopen({ ...given({ to: target }), dryRun }));
}
