/**
 * Installs the guard by being imported, so that whatever is imported after this package finds it.
 *
 * @module
 */

import { installGuard } from "./guard.ts";

installGuard();
