/**
 * Reads bodies of requests, up to a bound.
 *
 * @module
 */

import { ignoreRejection } from "../base/background.ts";
import { joined } from "../base/bytes.ts";
import { BODY_MS, waitFor } from "./bounds.ts";
import { ObserverError } from "./errors.ts";

/** The most bytes of a body. */
const MOST = 4 * 1024 * 1024;

/**
 * Reads the body of a request as text.
 *
 * @param request The request.
 * @param ms How long it may take, in milliseconds (BOUNDS-1).
 * @throws {ObserverError} (`BODY_TIMEOUT`) If it has not arrived by then.
 * @throws {ObserverError} (`BODY_TOO_LARGE`) If it is larger than 4 MiB.
 */
export async function readBody(request: Request, ms: number = BODY_MS): Promise<string> {
  const reader = request.body?.getReader();
  if (reader === undefined) return "";
  try {
    return new TextDecoder().decode(await waitFor(ms, () => tooLate(ms), readAll(reader)));
  } catch (error) {
    ignoreRejection(reader.cancel());
    throw error;
  }
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(parts);
    size += value.byteLength;
    if (size > MOST) {
      throw new ObserverError("BODY_TOO_LARGE", `Cannot read a body of more than ${MOST} bytes`);
    }
    parts.push(value);
  }
}

function tooLate(ms: number): ObserverError {
  return new ObserverError("BODY_TIMEOUT", `The body did not arrive within ${ms} ms`);
}
