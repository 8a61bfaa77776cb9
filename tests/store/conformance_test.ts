/**
 * One suite for all stores, in a schema whose name needs quoting: all other tests have plain ones.
 *
 * @module
 */

import { forEachDatabase } from "../support/database.ts";
import { conformance } from "./conformance/all.ts";

forEachDatabase('store in a schema named like Odd "Schema"', conformance, 'Odd "Schema" ');
