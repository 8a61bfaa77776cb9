/**
 * A wire to the database on which traffic is cut, delayed, halved and lost.
 *
 * @module
 */

import { type Passed, Proxy } from "../support/proxy.ts";
import { drawFrom } from "./plan.ts";
import type { Draw } from "./programs/program.ts";

/** What happens to traffic: to all of it, or to a share of its messages. */
export type Weather =
  | { readonly kind: "calm" }
  /** Each message is late. */
  | { readonly kind: "slow"; readonly ms: number }
  /** Some messages break off in their middle, and the connection with them. */
  | { readonly kind: "halving"; readonly share: number }
  /** Some answers never arrive, and their connection is cut. */
  | { readonly kind: "losing"; readonly share: number };

/** A wire. */
export class Wire implements AsyncDisposable {
  /** The database's URL over this wire. */
  readonly url: string;
  readonly #proxy: Proxy;
  readonly #draw: Draw;
  #weather: Weather = { kind: "calm" };
  #isCut = false;

  /**
   * @param target The database's URL.
   * @param seed Decides which messages are hit.
   */
  constructor(target: string, seed: number) {
    const url = new URL(target);
    this.#draw = drawFrom(seed);
    this.#proxy = new Proxy(
      { hostname: url.hostname, port: Number(url.port) },
      (bytes, towards) => this.#pass(bytes, towards),
    );
    url.host = `127.0.0.1:${this.#proxy.port}`;
    this.url = url.href;
  }

  /** Changes what happens to traffic from now on. */
  set weather(weather: Weather) {
    this.#weather = weather;
  }

  /** Cuts all connections; none is made until {@linkcode Wire.heal}. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#proxy.cut();
  }

  /** Whatever is open by now stays open, and nothing comes back over it. */
  mute(): void {
    this.#proxy.mute();
  }

  /** Lets all pass again. */
  heal(): void {
    this.#weather = { kind: "calm" };
    if (!this.#isCut) return;
    this.#isCut = false;
    this.#proxy.restore();
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
  }

  async #pass(bytes: Uint8Array, towards: "server" | "client"): Promise<Passed> {
    const weather = this.#weather;
    if (weather.kind === "slow") {
      await new Promise((resolve) => setTimeout(resolve, weather.ms));
    } else if (weather.kind === "halving" && this.#draw.chance(weather.share)) {
      return { last: bytes.subarray(0, bytes.length >> 1) };
    } else if (
      weather.kind === "losing" && towards === "client" && this.#draw.chance(weather.share)
    ) {
      return { last: new Uint8Array() };
    }
    return bytes;
  }
}
