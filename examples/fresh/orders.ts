/**
 * A route of a Fresh 2 application, such as `routes/orders/[id].ts`: it starts a run once, waits a
 * moment for its result, and signals it. Fresh is on JSR alone, so this file declares what it uses of
 * the context that Fresh passes; with Fresh, write `define.handlers({ ... })` around the object.
 *
 * @module
 */

import { type Continuum, isContinuumError } from "@continuum/continuum";
import type order from "../workflows/25_web.ts";

/** What Fresh passes, among others. */
export interface RouteContext {
  readonly req: Request;
  readonly params: Readonly<Record<string, string>>;
  /** Set by a middleware, which connects once: `ctx.state.continuum = continuum`. */
  readonly state: { readonly continuum: Continuum };
}

export const handler = {
  async PUT({ req, params, state }: RouteContext): Promise<Response> {
    const runId = params["id"]!;
    const input = await req.json();
    await state.continuum.start<typeof order>("web order", input, { runId, ifExists: "useEnded" });
    return Response.json({ id: runId }, { status: 202 });
  },

  async GET({ req, params, state }: RouteContext): Promise<Response> {
    const timeout = Number(new URL(req.url).searchParams.get("wait") ?? 2_000); // milliseconds
    const run = state.continuum.run<typeof order>(params["id"]!);
    try {
      return Response.json(await run.result({ timeout, signal: req.signal }));
    } catch (error) {
      if (isContinuumError(error, "TIMEOUT")) {
        return Response.json({ state: "open" }, { status: 202 });
      }
      if (isContinuumError(error, "RUN_NOT_FOUND")) {
        return Response.json({ error: error.code }, { status: 404 });
      }
      throw error;
    }
  },

  /** A webhook: the provider's event id makes a repeated event harmless. */
  async POST({ req, params, state }: RouteContext): Promise<Response> {
    const { event, amount } = await req.json();
    const run = state.continuum.run<typeof order>(params["id"]!);
    const signal = await run.signal("paid", { amount }, { deliveryId: event });
    return Response.json({ signal });
  },
};
