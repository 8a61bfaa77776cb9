/**
 * Draws a list again and again, on a terminal.
 *
 * @module
 */

import { shownError, UsageError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";
import type { Output } from "./output/output.ts";

/** How long a frame stays, in milliseconds. */
const EVERY_MS = 2_000;

/**
 * Draws until it is interrupted. A frame that the database can't fill says so, and the next one tries
 * again.
 *
 * @param out Where.
 * @param draw Prints one frame.
 * @param signal Ends it.
 * @param wait Waits for the next frame, or until the signal aborts.
 * @throws {UsageError} If standard output is no terminal, or JSON is wanted.
 */
export async function watch(
  out: Output,
  draw: () => Promise<void>,
  signal: AbortSignal,
  wait: (signal: AbortSignal) => Promise<void> = pause,
): Promise<void> {
  if (!out.isTerminal) {
    const found = out.format === "text" ? "a pipe or a file" : `--${out.format}`;
    throw new UsageError(
      `Cannot use --watch: found ${found}, wanted text on a terminal, which is drawn again`,
      "Leave out --watch, and list again.",
    );
  }
  while (!signal.aborted) {
    await out.redraw(async () => {
      await draw().catch((error) => out.line(unavailable(error)));
      out.line(`${new Date().toISOString()}, again every ${EVERY_MS / 1_000}s; Ctrl-C ends`);
    });
    await wait(signal);
  }
}

/** What a frame says in place of its list; an error of another kind ends the command. */
function unavailable(error: unknown): string {
  const { code, message, exit } = shownError(error);
  if (exit !== EXIT.unavailable) throw error;
  return `${code}: ${message}`;
}

function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, EVERY_MS);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    resolve();
  }, { once: true });
  return promise;
}
