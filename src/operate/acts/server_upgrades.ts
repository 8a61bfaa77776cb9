/**
 * Moves many runs by an observer. The observer keeps the job in its database and does a part of it for
 * each request, so the upgrade can be continued when this process or the observer ends.
 *
 * @module
 */

import type { Plain } from "../plain.ts";
import { ServerError } from "../readings/errors.ts";
import type {
  RunningUpgrade,
  UpgradePart,
  UpgradePlan,
  UpgradeRequest,
  UpgradeWork,
  Verdict,
} from "../upgrade.ts";
import type { Upgrades } from "./acts.ts";
import type { ActingObserver, Seen } from "./observer.ts";

/** How many runs a page of verdicts has at most. */
const PAGE = 1_000;

/** How long the observer works for one request, in milliseconds: the first ones show soon that it does. */
const PART_MS = { first: 500, most: 5_000 };

/** How long to return to runs that nodes execute, if no one says, in milliseconds. */
const PATIENCE_MS = 10_000;

/** What the observer shows of a job. */
interface Job {
  readonly state: string;
}

/** What it did for one request. */
interface DonePart extends UpgradePart, Job {
  /** How many runs were examined once. */
  readonly examined: number;
}

/**
 * Moves runs by an observer.
 *
 * @param observer The observer.
 */
export function upgradesOfServer(observer: ActingObserver): Upgrades {
  return {
    plan: (request, onVerdict) => planned(observer, request, onVerdict),
    async run(to, runs, work) {
      const { seen } = await observer.plan("upgrade/begin", { to, runs });
      const { job } = await observer.carryOut<UpgradePart>("upgrade/begin", seen, { to, runs });
      return running(observer, job, work);
    },
    resume: (job, work) => running(observer, job, work),
  };
}

async function planned(
  { read }: ActingObserver,
  { signal, limit = Infinity, stopAfterFailures = Infinity, ...request }: UpgradeRequest,
  onVerdict: (count: number) => void,
): Promise<UpgradePlan> {
  const verdicts: Plain<Verdict>[] = [];
  let failures = 0;
  let cursor: string | null | undefined;
  do {
    signal?.throwIfAborted();
    const page: Awaited<ReturnType<typeof read<"runs.verdicts">>> = await read("runs.verdicts", {
      ...request,
      limit: Math.min(PAGE, limit - verdicts.length),
      ...(stopAfterFailures === Infinity
        ? {}
        : { stopAfterFailures: stopAfterFailures - failures }),
      cursor: cursor ?? undefined,
    });
    verdicts.push(...page.verdicts);
    failures += failuresIn(page.verdicts);
    onVerdict(verdicts.length);
    const isEnough = verdicts.length >= limit || failures >= stopAfterFailures;
    cursor = isEnough ? null : page.cursor;
  } while (cursor !== null);
  const runs = verdicts.filter(({ verdict }) => verdict === "replays")
    .map(({ id, from, generation, events }) => ({ id, from, generation, events }));
  return { to: verdicts[0]?.to ?? null, verdicts, runs };
}

function running(observer: ActingObserver, job: string, work: UpgradeWork): RunningUpgrade {
  return { job, verdicts: parts(observer, job, work) };
}

/** Asks for one part after the other. What a request has begun is awaited, also after the signal. */
async function* parts(
  observer: ActingObserver,
  job: string,
  { patience = PATIENCE_MS, stopAfterFailures = Infinity, signal }: UpgradeWork,
): AsyncIterable<Verdict> {
  const path = "upgrade/resume";
  let shown: Seen<Job> | undefined;
  let failures = 0;
  let examined = -1;
  let busySince: number | null = null;
  for (let ms = PART_MS.first;; ms = Math.min(2 * ms, PART_MS.most)) {
    signal?.throwIfAborted();
    shown ??= await observer.plan<Job>(path, { job });
    if (shown.plan.state === "done") return;
    const left = busySince === null ? patience : busySince + patience - performance.now();
    const fields = {
      job,
      within: ms,
      patience: Math.max(0, Math.round(left)),
      ...(stopAfterFailures === Infinity
        ? {}
        : { stopAfterFailures: stopAfterFailures - failures }),
    };
    const part: DonePart | null = await observer.carryOut<DonePart>(path, shown.seen, fields)
      .catch((error: unknown) => {
        if (!(error instanceof ServerError) || error.code !== "CHANGED") throw error;
        return null;
      });
    if (part === null) {
      shown = undefined;
      continue;
    }
    yield* part.verdicts;
    failures += failuresIn(part.verdicts);
    if (part.state === "done" || failures >= stopAfterFailures) return;
    // All runs were examined once: the job returns to those that nodes execute.
    if (part.examined === examined) busySince ??= performance.now();
    examined = part.examined;
  }
}

function failuresIn(verdicts: readonly Pick<Verdict, "cause">[]): number {
  return verdicts.filter(({ cause }) => cause !== null).length;
}
