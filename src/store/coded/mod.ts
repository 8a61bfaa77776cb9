/**
 * A store with a payload codec, which is loaded only where there is one.
 *
 * @module
 */

export { codedStore } from "./coded_store.ts";
export { Payloads } from "./payloads.ts";
