/**
 * A connection over a client of `jsr:@db/postgres`.
 *
 * - DBPOSTGRES-1, out of a transaction: a client that has lost its connection connects anew with its
 *   next statement, and executes the rest of a transaction outside of it. So nothing is asked of a
 *   client after any error that is not the server's (CONNECTION-1), until it has another session.
 * - DBPOSTGRES-2, one at a time: once a client has lost its connection, its own lock lets several
 *   statements through at once. The connection's turns are the only order (CONNECTION-2).
 * - DBPOSTGRES-3, a loss is noticed by the next statement: the driver reads nothing between them.
 *
 * @module
 */

import { inBackground } from "../../base/background.ts";
import { isContinuumError } from "../../base/errors.ts";
import {
  type Adjustment,
  adjustmentOf,
  Connection,
  Fault,
  type LinkOptions,
  NoSession,
  type Query,
  type Result,
} from "../postgres/connection.ts";
import { INQUIRY_MS, isExecuting } from "../postgres/inquiry.ts";
import { SERVER_INFO, type ServerInfo } from "../postgres/settings.ts";
import { Decoding } from "./decoding.ts";
import type { DbPoolClient } from "./driver_types.ts";
import { withLiterals } from "./literals.ts";
import type { Seats } from "./seats.ts";
import { isLoss, isServerError, serverError } from "./server_error.ts";

/** What the connections of one store share. */
export interface DbPostgresShared {
  /** The clients. */
  readonly seats: Seats;
  /** How the pool decodes; set by the first connection. */
  decoding: Decoding | undefined;
}

/** Milliseconds after which a connection that was made but not served fails. */
const SESSION_MS = 5_000;

/** A connection over a client of `jsr:@db/postgres`. */
export class DbConnection extends Connection {
  readonly #client: DbPoolClient;
  readonly #shared: DbPostgresShared;
  readonly #decoding: Decoding;
  #call: Promise<unknown> = Promise.resolve();
  #isOpen = false;
  #left: Promise<void> | undefined;

  /**
   * Takes a client, and adjusts the settings of its session.
   *
   * @param options What it is for.
   * @param shared What the connections share.
   * @returns The connection.
   * @throws {DatabaseError} (`DATABASE_UNSUITABLE`) If the store can't work on the server, or with
   * the options of the pool.
   * @throws {Fault} If the connection can't be made.
   */
  static async open(options: LinkOptions, shared: DbPostgresShared): Promise<DbConnection> {
    const client = await shared.seats.take();
    const { promise: failed, reject: fail } = Promise.withResolvers<never>();
    const late = setTimeout(() => fail(unserved()), SESSION_MS);
    const adjusting = adjusted(client, options, shared);
    try {
      const adjustment = await Promise.race([adjusting, failed]);
      return new DbConnection(client, options, shared, adjustment);
    } catch (error) {
      await shared.seats.giveBack(client, adjusting);
      throw isContinuumError(error) ? error : new Fault(serverError(error), false);
    } finally {
      clearTimeout(late);
    }
  }

  private constructor(
    client: DbPoolClient,
    options: LinkOptions,
    shared: DbPostgresShared,
    adjustment: Adjustment,
  ) {
    super(options, adjustment);
    this.#client = client;
    this.#shared = shared;
    this.#decoding = shared.decoding!;
  }

  protected override get isIdle(): boolean {
    return !this.#isOpen;
  }

  override get pid(): number | null {
    return this.#client.session.pid ?? null;
  }

  protected override async send({ text, values = [] }: Query): Promise<Result> {
    if (text.startsWith(this.prologue)) this.#isOpen = true;
    const result = await this.#made(
      () => this.#client.queryArray(asked(text, values)),
      () => true,
    );
    const { command } = result;
    if (command === "COMMIT" || command === "ROLLBACK") {
      this.#isOpen = this.#isOpen && !/^(commit|rollback)$/.test(text);
    }
    return { rows: this.#decoding.rows(result), command };
  }

  protected override async isExecuting(signal: AbortSignal): Promise<boolean | null> {
    const over = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    const timer = setTimeout(over.resolve, INQUIRY_MS);
    try {
      return await this.#shared.seats.lend((client) =>
        isExecuting(
          this.pid!,
          async (text, values) => this.#decoding.rows(await client.queryArray(asked(text, values))),
          over.promise,
        ), over.promise);
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  protected override close(): Promise<void> {
    return this.#left ??= this.#shared.seats.giveBack(this.#client, this.#call);
  }

  protected override drop(): void {
    inBackground(this.close());
  }

  /** The driver's `queryArray` and `queryObject`, with their results as they are. */
  override clientOf(guarded: <T>(ask: () => Promise<T>) => Promise<T>): unknown {
    const call = (method: "queryArray" | "queryObject") => async (...given: unknown[]) => {
      const client = this.#client as unknown as Record<typeof method, DriverCall>;
      const answer = await guarded(() =>
        this.inTurn(() =>
          this.#made(() => client[method](...given), isLoss).then(
            (result) => ({ result }),
            (error: unknown) => {
              if (isServerError(error) || isLoss(error)) throw error;
              return { error }; // about the arguments, or the shape of the result
            },
          )
        )
      );
      if ("error" in answer) throw answer.error;
      return answer.result;
    };
    return { queryArray: call("queryArray"), queryObject: call("queryObject") };
  }

  /** DBPOSTGRES-1: makes a call of the driver. */
  async #made<T>(call: () => Promise<T>, isLost: (error: unknown) => boolean): Promise<T> {
    const made = call();
    this.#call = made;
    try {
      return await made;
    } catch (thrown) {
      const error = serverError(thrown);
      if (!isServerError(error) && isLost(error)) this.lose(error);
      throw error;
    }
  }
}

/** In one packet where that is possible (`literals.ts`). */
function asked(text: string, values: readonly unknown[]): { text: string; args?: unknown[] } {
  const whole = withLiterals(text, values);
  return whole === undefined ? { text, args: [...values] } : { text: whole };
}

type DriverCall = (...given: unknown[]) => Promise<unknown>;

async function adjusted(
  client: DbPoolClient,
  { role }: LinkOptions,
  shared: DbPostgresShared,
): Promise<Adjustment> {
  const decoding = shared.decoding ??= await Decoding.of(client);
  const [facts] = decoding.rows<ServerInfo>(await client.queryArray({ text: SERVER_INFO }));
  const adjustment = adjustmentOf({ facts: facts!, processId: client.session.pid }, role);
  if (adjustment.set !== "") await client.queryArray({ text: adjustment.set });
  return adjustment;
}

function unserved(): NoSession {
  return new NoSession(
    `the connection was made, but its first queries were not answered within ${
      SESSION_MS / 1_000
    } s: a pooler may have no session left`,
  );
}
