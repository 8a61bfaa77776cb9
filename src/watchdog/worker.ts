/**
 * The thread of {@linkcode Watchdog}: checks whether turns end, parks the run whose turn does not,
 * and ends the process if the turn still runs long after that.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import type { StuckReason } from "../ports/rows.ts";
import { NUMBERS, viewsOf, type WatchdogOrder, WORDS } from "./memory.ts";

/** How many times it checks within the time after which a turn counts as hung. */
const LOOKS = 8;

/** The run whose turn hangs, and its fencing token. */
interface Hung {
  readonly id: number;
  readonly token: number;
  readonly seconds: number;
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`Continuum: ${text}\n`));
}

function watch({ memory, hungMs, lostMs, ...where }: WatchdogOrder): void {
  const { words, numbers } = viewsOf(memory);
  const everyMs = hungMs / LOOKS;
  let last = "";
  /**
   * Consecutive checks that found the same turn at the same delivery: a process that slept is not
   * hung.
   */
  let looks = 0;
  setInterval(() => {
    const turns = Atomics.load(words, WORDS.turns);
    const now = `${turns} ${words[WORDS.deliveries]}`;
    looks = now === last && turns % 2 !== 0 ? looks + 1 : 0;
    last = now;
    if (looks === LOOKS) {
      const hung = {
        id: numbers[NUMBERS.run]!,
        token: numbers[NUMBERS.token]!,
        seconds: Math.round(hungMs / 100) / 10,
      };
      inBackground(
        park(hung, where),
        (error) => say(`Cannot park a run whose turn hangs: ${error}`),
      );
    }
    if (looks === Math.ceil(lostMs / everyMs)) end(looks * everyMs);
  }, everyMs);
}

async function park(
  { id, token, seconds }: Hung,
  where: Pick<WatchdogOrder, "database" | "schema">,
): Promise<void> {
  const { openStore } = await import("../store/open.ts"); // loaded late: most threads never need it
  await using store = await openStore(where);
  const { endCancelled } = await import("../ports/cancellation.ts");
  let status: string | undefined = "woken";
  let to: string | undefined;
  while (status === "woken") { // RECORD-4 of engine/run/record.ts
    const [row] = await store.journal.load([{ id, from: 2_147_483_647 }]);
    if (row === undefined || row.token !== token) return;
    const { nextSeq: first, wakeSeq, inbox } = row;
    const transition = endCancelled(inbox) ??
      { to: "stuck_poisoned" as const, reason: hungAt(first - 1, seconds), wakeSeq };
    const entry = { run: id, token, first, events: [], consumed: [], transition };
    const [result] = await store.journal.commit([entry]);
    status = result?.status;
    to = transition.to;
  }
  say(`a turn has not returned for ${seconds} s; its run was ${status} as ${to}`);
}

function hungAt(after: number, seconds: number): StuckReason {
  return {
    code: "TURN_HUNG",
    message: `The code has not returned for ${seconds} s after event ${after} of its history: it ` +
      "loops without end, or computes for long, which belongs into an activity; while it does, its " +
      "node is lost",
    details: { seconds, after },
  };
}

/** No other code of this process will run again; its supervisor is expected to start a new one. */
function end(ms: number): void {
  say(`the main thread has been in one turn for ${Math.round(ms / 1_000)} s: ending the process`);
  try {
    Deno.kill(Deno.pid, "SIGKILL");
  } catch (error) {
    say(`Cannot end the process, which needs --allow-run: ${error}`);
  }
}

const self = globalThis as unknown as {
  onmessage?: (event: MessageEvent<WatchdogOrder>) => void;
  postMessage(message: "watches"): void;
};

self.onmessage = (event) => {
  watch(event.data);
  self.postMessage("watches");
};
