/**
 * Forks runs: a new run begins with a part of another run's history.
 *
 * @module
 */

import { checkForkOptions, type ForkOptions, type ForkReport } from "../client/run/fork.ts";
import type { Continuum } from "../continuum.ts";
import { given } from "./client.ts";
import { type Plain, plain } from "./plain.ts";
import { findVersion } from "./versions.ts";

/** Where a fork begins, and what it takes over. */
export interface ForkRequest {
  /** After so many events. */
  readonly at?: number | undefined;
  /** Before the answer of the effect of that name. */
  readonly before?: string | undefined;
  /** Before the last failure in the history. */
  readonly fromFailure?: true | undefined;
  /** The first digits of a version's hash; that of the run when omitted. */
  readonly version?: string | undefined;
  /** The fork's id. */
  readonly id?: string | undefined;
  /** The fork's input; that of the run when omitted. */
  readonly input?: unknown;
  /** What becomes of children whose end comes after the point. */
  readonly children?: ForkOptions["children"] | undefined;
  /** Whether later signals are delivered to the fork again. */
  readonly signals?: ForkOptions["signals"] | undefined;
}

/** What a fork would do, or has done. */
export type ForkLine = Plain<ForkReport>;

/** What becomes of children. */
export const FORK_CHILDREN: readonly NonNullable<ForkOptions["children"]>[] = [
  "refuse",
  "adopt",
  "restart",
];

/** What becomes of later signals. */
export const FORK_SIGNALS: readonly NonNullable<ForkOptions["signals"]>[] = ["drop", "carry"];

/**
 * Checks what is asked for, before anyone is asked.
 *
 * @param request Where a fork begins.
 * @throws {InvalidArgumentError} If no point is given, or several, or a value is wrong.
 */
export function checkFork(request: ForkRequest): void {
  checkForkOptions(given(request) as ForkOptions);
}

/**
 * Says what a fork would do.
 *
 * @param client The client; it trusts the code of the fork.
 * @param run The original's id.
 * @param request Where the fork begins.
 * @returns The report; `forked`: whether it could be made. `RunHandle.fork` lists the errors.
 */
export async function planFork(
  client: Continuum,
  run: string,
  request: ForkRequest,
): Promise<ForkLine> {
  const options = await optionsOf(client, request);
  return plain(await client.run(run).fork({ ...options, dryRun: true }));
}

/**
 * Makes a fork that was planned, with the id and the idempotency keys of the plan.
 *
 * @param client The client; it trusts the code of the fork.
 * @param run The original's id.
 * @param request Where the fork begins; the same as for the plan.
 * @param plan The plan.
 * @returns The report; `forked`: whether the fork exists. `RunHandle.fork` lists the errors.
 */
export async function forkRun(
  client: Continuum,
  run: string,
  request: ForkRequest,
  { plan }: ForkLine,
): Promise<ForkLine> {
  const options = await optionsOf(client, request);
  return plain(await client.run(run).fork({ ...options, plan }));
}

async function optionsOf(client: Continuum, request: ForkRequest): Promise<ForkOptions> {
  const { version, ...rest } = request;
  const hash = version === undefined ? undefined : (await findVersion(client, version)).hash;
  return given({ ...rest, version: hash }) as ForkOptions;
}
