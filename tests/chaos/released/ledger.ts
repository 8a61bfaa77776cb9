/**
 * Effects on the world: each is a note in a ledger outside of the database.
 *
 * @module
 */

import { defineActivity } from "@continuum/continuum/workflow";

/** What an effect is given. */
export interface Deed {
  /** Where the ledger is. */
  readonly ledger: string;
  /** Which effect of its run this is. */
  readonly place: string;
}

/** What an attempt says of itself. */
interface Facts {
  readonly runId: string;
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** Tries for ever, soon. */
export const RETRY = { maxAttempts: 10_000, initial: 50, max: 1_000 } as const;

/** Notes an effect; throws if the ledger does not say that it did. */
export async function note({ ledger, place }: Deed, facts: Facts): Promise<string> {
  const { runId: run, idempotencyKey: key, attempt, signal } = facts;
  const response = await fetch(ledger, {
    method: "POST",
    body: JSON.stringify({ run, place, key, attempt }),
    signal,
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`The ledger answered ${response.status}: ${answer}`);
  return answer;
}

/** An effect in the queue that every node serves. */
export const act = defineActivity({ name: "act", retry: RETRY, timeout: "10s" }, note);

/** An effect in a queue of its own, whose rate is limited. */
export const post = defineActivity(
  { name: "post", queue: "mail", retry: RETRY, timeout: "10s" },
  note,
);

/** An effect that is tried once, whatever becomes of it. */
export const once = defineActivity(
  { name: "once", retry: { maxAttempts: 1 }, timeout: "10s" },
  note,
);

/** An effect whose result belongs to a key, and so to many runs. */
export const shared = defineActivity(
  {
    name: "shared",
    retry: RETRY,
    timeout: "10s",
    idempotencyKey: ({ place }: Deed) => `shared ${place}`,
  },
  async (deed: Deed, attempt) => {
    await note(deed, attempt);
    return crypto.randomUUID();
  },
);
