/**
 * Reads bodies of requests, up to a bound.
 *
 * @module
 */

import { ObserverError } from "./errors.ts";

/** The most bytes of a body. */
const MOST = 4 * 1024 * 1024;

/**
 * Reads the body of a request as text.
 *
 * @param request The request.
 * @throws {ObserverError} (`BODY_TOO_LARGE`) If it is larger than 4 MiB.
 */
export async function readBody(request: Request): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.byteLength;
    if (size > MOST) {
      throw new ObserverError("BODY_TOO_LARGE", `Cannot read a body of more than ${MOST} bytes`);
    }
    parts.push(part);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return new TextDecoder().decode(bytes);
}
