/**
 * The property: random workflows are executed as promised. A failure names the seed of its
 * scenario, and the smallest scenario that still fails by itself:
 *
 *     CONTINUUM_PROPERTY_SEED=<seed> CONTINUUM_PROPERTY_COUNT=1 deno test -A tests/property
 *
 * @module
 */

import fc from "fast-check";
import { installGuard } from "../../src/replay/guard.ts";
import { Losses } from "../support/losses.ts";
import type { VirtualDatabase, Wrap } from "../support/virtual_database.ts";
import {
  checkAsks,
  checkAttempts,
  checkEnded,
  checkNothingLeft,
  checkReplays,
  checkTransactions,
} from "./checks.ts";
import { familiesOf, type Family, familyOf } from "./compare.ts";
import { execute, type ExecutionMode, type Results } from "./runs.ts";
import { type Scenario, scenarios, scenariosFrom } from "./scenarios.ts";
import { EndNotifications } from "./end_notifications.ts";

// For good: promises that a program leaves rejected are reported after the run's last turn.
installGuard();

/** Opens a database for one execution. */
export type OpenPlace = (wrap?: Wrap) => Promise<VirtualDatabase>;

/** How many scenarios share one database at a time. */
const BATCH = 300;

/** What a test asks of scenarios. */
export type Property = (open: OpenPlace, scenarios: readonly Scenario[]) => Promise<void>;

/**
 * Asserts a property of random scenarios.
 *
 * @param count How many, unless the environment says otherwise.
 * @param open Opens a database.
 * @param property What must hold.
 * @throws {Error} If it does not, with the seed, and the scenario.
 */
export async function assertProperty(
  count: number,
  open: OpenPlace,
  property: Property,
): Promise<void> {
  const seed = numberFrom("CONTINUUM_PROPERTY_SEED") ?? Math.floor(Math.random() * 0x3fffffff);
  const all = scenariosFrom(seed, numberFrom("CONTINUUM_PROPERTY_COUNT") ?? count);
  for (let from = 0; from < all.length; from += BATCH) {
    const batch = all.slice(from, from + BATCH);
    try {
      await property(open, batch);
    } catch (error) {
      throw await explained(error, batch, open, property);
    }
  }
}

function numberFrom(variable: string): number | undefined {
  const text = Deno.env.get(variable);
  return text === undefined ? undefined : Number(text);
}

/** Looks for the smallest scenario that fails by itself. */
async function explained(
  error: unknown,
  batch: readonly Scenario[],
  open: OpenPlace,
  property: Property,
): Promise<Error> {
  const root = error instanceof ScenarioError ? error.root : null;
  const scenario = batch.find(({ seed }) => root === `s${seed}`);
  const where = `scenarios from seed ${batch[0]?.seed} (${batch.length})`;
  if (scenario === undefined) return new Error(`Property failed in ${where}`, { cause: error });
  const { seed } = scenario;
  const alone = fc.asyncProperty(
    scenarios,
    (made) => property(open, [{ seed, ...made }]),
  );
  const found = await fc.check(alone, { seed, numRuns: 1, interruptAfterTimeLimit: 60_000 });
  const smallest = found.counterexample?.[0] ?? scenario;
  return new Error(
    `Property failed in ${where}, by itself: ${found.failed}, ` +
      `CONTINUUM_PROPERTY_SEED=${seed} CONTINUUM_PROPERTY_COUNT=1, ${JSON.stringify(smallest)}`,
    { cause: found.errorInstance ?? error },
  );
}

/** A scenario that is not as it should be. */
class ScenarioError extends Error {
  readonly root: string;

  constructor(root: string, cause: unknown) {
    super(`Scenario ${root}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.root = root;
  }
}

/** Does something for each family of runs; a failure tells which one it was. */
export async function forEachFamily(
  families: ReadonlyMap<string, Family>,
  check: (family: Family, root: string) => Promise<void> | void,
): Promise<void> {
  for (const [root, family] of families) {
    try {
      await check(family, root);
    } catch (error) {
      throw new ScenarioError(root, error);
    }
  }
}

/** If a node expired, or does not know what it holds, its attempts may be made again. */
function mayRepeat({ expiries, fates }: ExecutionMode): boolean {
  return expiries !== undefined || fates !== undefined;
}

/** Executes scenarios, and checks all that must hold of any execution. */
export async function executeAndCheck(
  open: OpenPlace,
  scenarios: readonly Scenario[],
  mode: ExecutionMode,
): Promise<Results> {
  const notifications = new EndNotifications();
  const fates = mode.fates?.() ?? (() => "answered");
  const losses = new Losses(notifications.watch(fates, () => db.clock.monotonic()));
  await using db = await open((driver, schema) => losses.wrap(driver, schema));
  const after = await execute(db, scenarios, mode, losses);
  const made = Map.groupBy(after.made, ({ runId }) => familyOf(runId));
  const ledger = Map.groupBy(after.ledger, ({ run }) => familyOf(run));
  await forEachFamily(familiesOf(after), async ({ runs }, root) => {
    checkEnded(runs, notifications);
    checkTransactions({ runs, ledger: ledger.get(root) ?? [] });
    const died = { died: mayRepeat(mode) };
    // What was under way when a run failed is tried from the beginning after it was reopened.
    const again = { died: died.died || mode.reopens === true };
    checkAttempts({ runs, made: made.get(root) ?? [] }, again);
    for (const run of runs) await checkReplays(run, after.world, died);
  });
  checkAsks(after);
  await checkNothingLeft(db);
  return after;
}
