/**
 * Reads bodies of requests, up to a bound.
 *
 * @module
 */

import { ignoreRejection } from "../base/background.ts";
import { BODY_MS } from "./bounds.ts";
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
  const parts: Uint8Array[] = [];
  let size = 0;
  const { promise: late, reject } = Promise.withResolvers<never>();
  ignoreRejection(late);
  const timer = setTimeout(() => reject(tooLate(ms)), ms);
  try {
    while (reader !== undefined) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) break;
      size += value.byteLength;
      if (size > MOST) {
        throw new ObserverError("BODY_TOO_LARGE", `Cannot read a body of more than ${MOST} bytes`);
      }
      parts.push(value);
    }
  } catch (error) {
    ignoreRejection(reader?.cancel());
    throw error;
  } finally {
    clearTimeout(timer);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return new TextDecoder().decode(bytes);
}

function tooLate(ms: number): ObserverError {
  return new ObserverError("BODY_TIMEOUT", `The body did not arrive within ${ms} ms`);
}
