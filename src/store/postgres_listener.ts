/**
 * A LISTEN that outlives its connection.
 *
 * @module
 */

import { LastingClient } from "./postgres_client.ts";

/** Waits between attempts to come back, in milliseconds; the last one repeats. */
const BACK_OFF = [50, 100, 250, 500, 1_000, 2_000, 5_000];

/** Listens on one channel over a connection of its own, and comes back when that is lost. */
export class Listener {
  readonly #client: LastingClient;
  readonly #statement: string;
  readonly #onGap: () => void;
  readonly #ended = Promise.withResolvers<void>();
  #isEnded = false;
  #lost = Promise.withResolvers<void>();
  #keeping: Promise<void> | null = null;

  /**
   * Connects to nothing before `start()`.
   *
   * @param url The database.
   * @param options The client's options.
   * @param channel A lower-case identifier.
   * @param onPayload Called for each notification.
   * @param onGap Called each time the connection was lost and is back.
   */
  constructor(
    url: string,
    options: Record<string, unknown>,
    channel: string,
    onPayload: (payload: string) => void,
    onGap: () => void,
  ) {
    this.#statement = `listen ${channel}`;
    this.#onGap = onGap;
    this.#client = new LastingClient(
      url,
      {
        ...options,
        onclose: () => this.#lost.resolve(),
        // The client's own listen() gives up for good when it can't come back at the first attempt.
        onnotify: (_channel: string, payload: string) => onPayload(payload),
      } as ConstructorParameters<typeof LastingClient>[1],
    );
  }

  /** Starts listening; resolves when notifications are heard. */
  async start(): Promise<void> {
    await this.#listen();
    this.#keeping = this.#keep();
  }

  /** Ends it. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#ended.resolve();
    await this.#keeping;
    await this.#client.end();
  }

  async #listen(): Promise<void> {
    this.#lost = Promise.withResolvers();
    await this.#client.ask((client) => client.unsafe(this.#statement).simple());
  }

  async #keep(): Promise<void> {
    while (!this.#isEnded) {
      await Promise.race([this.#lost.promise, this.#ended.promise]);
      for (let attempt = 0; !this.#isEnded; attempt++) {
        try {
          await this.#listen();
          this.#onGap();
          break;
        } catch {
          await this.#pause(BACK_OFF[Math.min(attempt, BACK_OFF.length - 1)]!);
        }
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    await Promise.race([over.promise, this.#ended.promise]);
    clearTimeout(timer);
  }
}
