/**
 * Installs the guard when it is imported, so that modules imported after this package are guarded.
 *
 * @module
 */

import { installGuard } from "./guard.ts";

// On other runtimes no engine executes workflows: there, code may import definitions for their schemas.
if ("Deno" in globalThis) installGuard();
