/**
 * Errors without a stack, for places where a stack would show nothing useful.
 *
 * @module
 */

/**
 * Makes an error whose stack is its name and message alone. Collecting frames would be slow, and
 * would show internals of the engine, differently on every replay.
 *
 * @param make Makes the error.
 * @returns The error.
 */
export function stackless<T extends Error>(make: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  let error: T;
  try {
    error = make();
  } finally {
    Error.stackTraceLimit = limit;
  }
  setHidden(error, "stack", `${error.name}: ${error.message}`);
  return error;
}

/**
 * Sets a field as errors have it: writable, and not enumerable.
 *
 * @param error The error.
 * @param key The field.
 * @param value Its value.
 */
export function setHidden(error: Error, key: "stack" | "name", value: string): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
