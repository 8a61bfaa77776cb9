/**
 * How a run leaves the memory of the node that executed it.
 *
 * @module
 */

import type { EndState, StuckState } from "./rows.ts";

/** How a run left the memory of its node. */
export type Exit =
  | {
    readonly kind: "ended";
    readonly state: EndState;
    readonly result: string | null;
    readonly error: string | null;
    readonly watched: boolean;
    /** Whether its parent or its children have not been notified yet. */
    readonly mustNotify: boolean;
  }
  | { readonly kind: "stuck"; readonly state: StuckState; readonly watched: boolean }
  | { readonly kind: "suspended"; readonly wakeAt: number | null }
  | { readonly kind: "paused" }
  | { readonly kind: "released" }
  | { readonly kind: "excluded" }
  | { readonly kind: "lost" };
