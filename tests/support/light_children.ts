/**
 * Processes that a test starts compile WebAssembly once and quickly, not again into faster code: a
 * database in memory that lives for a second costs half as much processor time.
 *
 * @module
 */

Deno.env.set("DENO_V8_FLAGS", "--liftoff-only");
