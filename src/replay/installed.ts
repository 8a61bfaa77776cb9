/**
 * Installs the guard when it is imported, so that modules imported after this package are guarded.
 *
 * @module
 */

import { installGuard } from "./guard.ts";

installGuard();
