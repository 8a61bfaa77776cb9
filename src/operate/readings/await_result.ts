/**
 * Awaits the end of a run by readings.
 *
 * @module
 */

import { type AwaitOptions, isEnd, PARKED, type RunResult } from "../result.ts";
import type { Read } from "./reader.ts";

/** How long to wait before a run is read again, in milliseconds. */
const POLL_MS = 1_000;

/**
 * Waits until a run has ended, by reading it again and again: from an observer, which notifies no one.
 *
 * @param read Reads.
 * @param id The run.
 * @param options Aborts the wait, and is notified if the run is parked.
 * @returns Its end.
 * @throws {unknown} The reason of the signal, if it aborts, and the errors of reading.
 */
export async function awaitReading(
  read: Read,
  id: string,
  { signal, onParked }: AwaitOptions = {},
): Promise<RunResult> {
  for (let isSaid = false;;) {
    const { state, reason } = await read("runs.show", { id });
    if (isEnd(state)) return await read("runs.result", { id });
    if (!isSaid && (PARKED as readonly string[]).includes(state)) {
      isSaid = true;
      onParked?.({ state, reason });
    }
    await pause(signal);
  }
}

/**
 * Waits before something is read again.
 *
 * @param signal Ends the wait.
 * @throws {unknown} The reason of the signal, if it aborts.
 */
export async function pause(signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, POLL_MS);
  const onAbort = () => reject(signal!.reason);
  signal?.addEventListener("abort", onAbort);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
