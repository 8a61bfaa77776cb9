/**
 * Consent to what destroys or moves something: the plan is printed, and the person types the number
 * or the id.
 *
 * - CONSENT-1: consent is typed at a terminal or given by `--yes`. Nothing else counts, no variable of
 *   the environment either.
 *
 * @module
 */

import { printable, quote } from "../base/describe.ts";
import { CliError, Done, UsageError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";
import type { Globals } from "./globals.ts";
import { json } from "./output/output.ts";
import type { Terminal } from "./terminal.ts";

/** What will happen. */
export interface Plan {
  /** Lines for people. */
  readonly lines: readonly string[];
  /** What has to be typed: how many runs, or the id. */
  readonly answer: string;
  /** What the answer is, for the question: `the number of runs`, `the run's id`. */
  readonly what: string;
}

/**
 * Prints a plan and asks for consent.
 *
 * @param plan The plan.
 * @param globals Whether consent is given, or only the plan is wanted.
 * @param terminal Where to ask.
 * @throws {Done} If only the plan is wanted.
 * @throws {CliError} (`NO_CONSENT`) If the answer is another.
 * @throws {UsageError} If no one can be asked.
 */
export async function askConsent(plan: Plan, globals: Globals, terminal: Terminal): Promise<void> {
  if (globals.dryRun) announcePlan(plan.lines, globals, terminal);
  if (!globals.quiet) terminal.writeError(linesOf(plan.lines));
  if (globals.yes) return;
  if (!terminal.canAsk) {
    throw new UsageError(
      "Cannot ask for consent: standard input or standard error is no terminal, wanted --yes",
      "Look at the plan with --dry-run, then add --yes.",
    );
  }
  terminal.writeError(`Type ${plan.what} to go ahead: `);
  const answer = await terminal.readLine();
  if (answer?.trim() === plan.answer) return;
  const found = answer === null ? "nothing" : quote(answer);
  throw new CliError(
    "NO_CONSENT",
    `Nothing was changed: found ${found}, wanted ${quote(plan.answer)}`,
  );
}

/**
 * Prints a plan and ends the command, if only the plan is wanted.
 *
 * @param lines The plan.
 * @param globals Whether only the plan is wanted.
 * @param terminal Where it is printed.
 * @throws {Done} If only the plan is wanted.
 */
export function announcePlan(
  lines: readonly string[],
  { dryRun, format }: Globals,
  terminal: Terminal,
): void {
  if (!dryRun) return;
  terminal.write(
    format === "text" ? linesOf(lines) : `${json({ dryRun: true, plan: lines })}\n`,
  );
  throw new Done(EXIT.done);
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join("");
}
