/**
 * The ledger: what happened in the world, outside of any database. Now and then it notes an effect
 * and does not say so.
 *
 * @module
 */

import type { NoteRow } from "./evidence.ts";
import { drawFrom } from "./plan.ts";

/** A ledger on a loopback port. */
export class Ledger implements AsyncDisposable {
  /** What was noted, in order. */
  readonly notes: NoteRow[] = [];
  /** Where effects are noted. */
  readonly url: string;
  /** How many effects were noted without an answer. */
  unanswered = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** @param seed Decides which effects get no answer. */
  constructor(seed: number) {
    const draw = drawFrom(seed);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        this.notes.push(await request.json());
        if (!draw.chance(0.08)) return new Response("noted");
        this.unanswered++;
        return new Response("nothing to say", { status: 503 });
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}
