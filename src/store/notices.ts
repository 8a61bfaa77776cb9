/**
 * Hints between processes, sent with the database's notifications.
 *
 * @module
 */

import { Batcher } from "../base/batcher.ts";
import type { Notice, Notices } from "../ports/store.ts";
import type { SqlDriver } from "./sql/driver.ts";
import type { SchemaName } from "./schema/name.ts";
import { TEXT, TEXTS } from "./sql/parameters.ts";
import { NO_ROWS, statement } from "./sql/statement.ts";

/** Postgres limits a payload to less than 8,000 bytes. */
const PAYLOAD_BYTES = 7_900;

/** Sends payloads on a channel; inside a transaction they are sent when it commits. */
export const NOTIFY = statement(
  { channel: TEXT, payloads: TEXTS },
  NO_ROWS,
  "select pg_notify($channel, payload) from unnest($payloads::text[]) as payload",
).prepare();

/** {@linkcode Notices} over LISTEN and NOTIFY; without LISTEN it receives nothing. */
export class SqlNotices implements Notices {
  readonly #driver: SqlDriver;
  readonly #channel: string;
  /** Marks the hints that this store has sent itself. */
  readonly #origin = crypto.randomUUID().slice(0, 13);
  /** Hints that are published while a statement is under way are sent with the next one. */
  readonly #batcher = new Batcher<readonly Notice[], void>(async (batch) => {
    await this.#send(batch.flat());
    return [];
  });

  /**
   * Prepares the channel; asks the database nothing.
   *
   * @param driver The database.
   * @param schema Its name is part of the channel's name.
   */
  constructor(driver: SqlDriver, schema: SchemaName) {
    this.#driver = driver;
    this.#channel = schema.channel;
  }

  /**
   * See {@linkcode Notices.publish}. Equal hints are sent once; one too long is not sent, and none
   * if no other process can listen.
   */
  async publish(notices: readonly Notice[]): Promise<void> {
    if (!this.#driver.exclusive) await this.#batcher.add(notices);
  }

  async #send(notices: readonly Notice[]): Promise<void> {
    const payloads = pack(this.#origin, notices);
    if (payloads.length === 0) return;
    await NOTIFY.query(this.#driver, { channel: this.#channel, payloads });
  }

  /** See {@linkcode Notices.subscribe}. */
  async subscribe(
    onNotice: (notice: Notice) => void,
    onGap: () => void,
  ): Promise<AsyncDisposable> {
    const end = await this.#driver.listen?.(this.#channel, (payload) => {
      for (const notice of unpack(this.#origin, payload)) onNotice(notice);
    }, onGap);
    return { [Symbol.asyncDispose]: async () => await end?.() };
  }
}

function pack(origin: string, notices: readonly Notice[]): string[] {
  const encoder = new TextEncoder();
  const payloads: string[] = [];
  let texts: string[] = [];
  let bytes = 0;
  for (const text of new Set(notices.map((notice) => JSON.stringify(notice)))) {
    const length = encoder.encode(text).length + 1;
    if (length > PAYLOAD_BYTES - 100) continue;
    if (bytes + length > PAYLOAD_BYTES - 100) {
      payloads.push(`["${origin}",${texts.join(",")}]`);
      texts = [];
      bytes = 0;
    }
    texts.push(text);
    bytes += length;
  }
  if (texts.length > 0) payloads.push(`["${origin}",${texts.join(",")}]`);
  return payloads;
}

/**
 * Reads a payload. Any client may write to the channel: anything but a list of notices is ignored.
 */
function unpack(origin: string, payload: string): Notice[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload);
  } catch {
    return [];
  }
  if (!Array.isArray(parsed) || parsed[0] === origin) return [];
  return parsed.slice(1).filter(isNotice);
}

function isNotice(value: unknown): value is Notice {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  const notice = value as Record<string, unknown>;
  switch (notice.kind) {
    case "due":
      return notice.at === undefined || typeof notice.at === "number";
    case "scheduled":
    case "tasks":
    case "denials":
      return true;
    case "message":
      return typeof notice.node === "string" && typeof notice.run === "number";
    case "said":
      return typeof notice.runId === "string" && typeof notice.name === "string";
    case "ended":
      return typeof notice.runId === "string";
    default:
      return false;
  }
}
