/**
 * The runtime polls for `load` hooks for good once there has been one: before any test, so that no
 * test seems to have left that behind. A test that loads versions imports this.
 *
 * @module
 */

import { registerHooks } from "node:module";

const PRIMED = "primed:";
const hooks = registerHooks({
  load: (url, context, next) =>
    url === PRIMED ? { format: "module", source: "", shortCircuit: true } : next(url, context),
  resolve: (specifier, context, next) =>
    specifier === PRIMED ? { url: specifier, shortCircuit: true } : next(specifier, context),
});
await import(PRIMED);
hooks.deregister();
