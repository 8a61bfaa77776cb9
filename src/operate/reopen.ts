/**
 * Takes up failed runs again, on code that replays their history.
 *
 * @module
 */

import type { ReopenReport } from "../client/run/reopen.ts";
import type { Continuum } from "../continuum.ts";
import { type Plain, plain } from "./plain.ts";
import { wholeHash } from "./versions.ts";

/** What became of a failed run, or would. */
export type ReopenLine = { readonly id: string } & Plain<ReopenReport>;

/**
 * Takes up a failed run, or says whether that would be possible.
 *
 * @param client The client; it trusts the code of the target.
 * @param id The run.
 * @param options The target: a version's hash, or its first digits, or a registered specifier; the
 * current version when omitted. `dryRun`: nothing is changed.
 * @returns The report. `RunHandle.reopen` lists the errors.
 */
export async function reopen(
  client: Continuum,
  id: string,
  { to, dryRun }: { readonly to?: string | undefined; readonly dryRun: boolean },
): Promise<ReopenLine> {
  const target = to === undefined ? {} : { to: await wholeHash(client, to) };
  const report = await client.run(id).reopen({ ...target, dryRun });
  return { id, ...plain(report) };
}
