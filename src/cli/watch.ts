/**
 * Draws a list again and again, on a terminal.
 *
 * @module
 */

import { UsageError } from "./errors.ts";
import type { Output } from "./output/output.ts";

/** How long a frame stays, in milliseconds. */
const EVERY_MS = 2_000;

/**
 * Draws until it is interrupted.
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
      await draw();
      out.line(`${new Date().toISOString()}, again every ${EVERY_MS / 1_000}s; Ctrl-C ends`);
    });
    await wait(signal);
  }
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
