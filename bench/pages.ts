/**
 * How long the pages take that commands and observers show, where there are many runs and versions.
 *
 * @module
 */

import { Continuum } from "../mod.ts";
import { countRuns, listRuns, showRun } from "../src/operate/runs.ts";
import { treeLevel } from "../src/operate/tree.ts";
import { findVersion, versionUse } from "../src/operate/versions.ts";
import { round } from "./measure.ts";
import { KNOWN, populate, versionHash } from "./populate.ts";
import type { Measurement, Workload } from "./workload.ts";

const VERSIONS = 10_000;
const ROUNDS = 5;
/** No page: it reads all versions. */
const PLAN = "versions_gc";
const DAY = 86_400_000;

/**
 * Milliseconds of each page: the shortest of several, and the processor time of the server, which
 * others that use the machine change less.
 */
export const PAGES: Workload = {
  name: "PAGES",
  on: ["postgres"],
  async measure(db, { rows }) {
    await using client = await Continuum.connect(db.options);
    const population = { runs: rows, versions: VERSIONS };
    const found: Measurement = { rows, versions: VERSIONS, fill_s: await populate(db, population) };
    for (const [name, page] of Object.entries(pagesOf(client, VERSIONS))) {
      let shortest = Infinity;
      const before = db.serverMs();
      for (let i = 0; i < ROUNDS; i++) {
        const begun = performance.now();
        await page();
        shortest = Math.min(shortest, performance.now() - begun);
      }
      found[`${name}_ms`] = round(shortest);
      found[`${name}_cpu`] = round((db.serverMs() - before) / ROUNDS);
    }
    const most = (kind: string) =>
      Math.max(
        ...Object.entries(found).flatMap(([name, ms]) =>
          name.endsWith(kind) && !name.startsWith(PLAN) ? [ms as number] : []
        ),
      );
    found.longest_ms = most("_ms");
    found.most_cpu_ms = most("_cpu");
    return found;
  },
};

/**
 * The pages, by name: of 50, or bounded counts.
 *
 * @param client A client of a populated database.
 * @param versions How many versions that has.
 * @returns Functions that ask for a page each.
 */
export function pagesOf(
  client: Continuum,
  versions: number,
): Readonly<Record<string, () => Promise<unknown>>> {
  const oldest = versionHash(1);
  const newest = versionHash(versions);
  const rare = versionHash(versions / 2 + 3);
  const ago = (days: number) => new Date(Date.now() - days * DAY);
  const list = (filter: Parameters<typeof listRuns>[1]) => () => listRuns(client, filter);
  const count = (filter: Parameters<typeof listRuns>[1]) => () => countRuns(client, filter, 1_001);
  const second = (first: { limit: number }, ask: (options: object) => Promise<Paged>) => async () =>
    await ask({ ...first, cursor: (await ask(first)).cursor });
  const { runs } = client;
  return {
    newest: list({}),
    live: list({ states: ["live"] }),
    suspended: list({ states: ["suspended"] }),
    running: list({ states: ["running"] }),
    pending: list({ states: ["pending"] }),
    parked: list({ states: ["parked"] }),
    failed: list({ states: ["failed"] }),
    cancelled: list({ states: ["cancelled"] }),
    terminated: list({ states: ["terminated"] }),
    stopped_or_failed: list({ states: ["failed", "cancelled", "terminated"] }),
    completed: list({ states: ["completed"] }),
    live_elsewhere: () => runs.query({ where: { state: "live" }, namespace: "blue" }),
    live_nowhere: () => runs.query({ where: { state: "live" }, namespace: "none" }),
    workflow: list({ workflow: "w7" }),
    workflow_unknown: list({ workflow: "none" }),
    workflow_live: list({ workflow: "w7", states: ["live"] }),
    workflow_failed: list({ workflow: "w7", states: ["failed"] }),
    workflow_cancelled: list({ workflow: "w7", states: ["cancelled"] }),
    workflow_before: list({ workflow: "w7", until: ago(200) }),
    version_oldest: list({ version: oldest }),
    version_newest: list({ version: newest }),
    version_rare: list({ version: rare }),
    version_live: list({ version: oldest, states: ["live"] }),
    version_rare_live: list({ version: rare, states: ["live"] }),
    version_failed: list({ version: oldest, states: ["failed"] }),
    version_cancelled: list({ version: oldest, states: ["cancelled"] }),
    version_elsewhere: () => runs.query({ where: { version: oldest }, namespace: "n90" }),
    current: list({ version: "current" }),
    current_workflow: list({ version: "current", workflow: "w7" }),
    current_live: list({ version: "current", states: ["live"] }),
    old: list({ version: "old" }),
    old_live: list({ version: "old", states: ["live"] }),
    prefix: list({ idPrefix: "r-777" }),
    prefix_of_all: list({ idPrefix: "r-" }),
    prefix_unknown: list({ idPrefix: "x" }),
    attribute: list({ attributes: { customer: "c-77" } }),
    attribute_frequent: list({ attributes: { tier: "silver" } }),
    attribute_live: list({ attributes: { customer: "c-77" }, states: ["live"] }),
    since: list({ since: ago(2) }),
    before: list({ until: ago(200) }),
    within: list({ since: ago(201), until: ago(200) }),
    children: list({ parent: KNOWN.parent }),
    forks: () => runs.query({ where: { forksOf: KNOWN.original } }),
    newest_after: second({ limit: 100 }, (options) => runs.query(options)),
    version_after: second(
      { limit: 100 },
      (options) => runs.query({ ...options, where: { version: oldest } }),
    ),
    live_after: second(
      { limit: 100 },
      (options) => runs.query({ ...options, where: { state: "live" } }),
    ),
    live_by_state: () => client.liveRuns(),
    namespaces: () => client.namespaces(),
    relatives: () => runs.relatives([KNOWN.parent, KNOWN.original, KNOWN.history]),
    tree: () => treeLevel(client, KNOWN.parent, "children"),
    count: count({}),
    count_live: count({ states: ["live"] }),
    count_running: count({ states: ["running"] }),
    count_pending: count({ states: ["pending"] }),
    count_failed: count({ states: ["failed"] }),
    count_cancelled: count({ states: ["cancelled"] }),
    count_workflow: count({ workflow: "w7" }),
    count_workflow_live: count({ workflow: "w7", states: ["live"] }),
    count_version_live: count({ version: oldest, states: ["live"] }),
    count_children: count({ parent: KNOWN.parent }),
    run: () => showRun(client, KNOWN.parent),
    history: () => client.run(KNOWN.history).history({ from: 19_000, limit: 100 }),
    generations: () => client.run(KNOWN.generations).generations({ from: 19_000, limit: 100 }),
    versions: () => client.versions.list(),
    versions_of_workflow: () => client.versions.list({ workflow: "w7" }),
    versions_draining: () => client.versions.list({ state: "draining" }),
    versions_drained: () => client.versions.list({ state: "drained" }),
    versions_missing: () => client.versions.list({ state: "missing" }),
    versions_denied: () => client.versions.list({ state: "denied" }),
    versions_unused: () => client.versions.list({ state: "unused" }),
    versions_current: () => client.versions.list({ current: true }),
    versions_after: second({ limit: 100 }, (options) => client.versions.list(options)),
    versions_gc: () => client.versions.gc({ dryRun: true, keep: 0, olderThan: "1d" }),
    version_by_digits: () => findVersion(client, oldest.slice(0, 64)),
    version_where_used: () => versionUse(client, oldest),
    schedules: () => client.schedules.list({ limit: 100 }),
    schedules_stuck: () => client.schedules.list({ states: ["stuck"], limit: 100 }),
    queues: () => client.queues(),
    nodes: () => client.nodes(),
    health: () => client.health(),
    jobs: () => runs.jobs(),
    audit: () => client.operations.list({ limit: 100 }),
    audit_action: () => client.operations.list({ action: "version.deny", limit: 100 }),
    audit_actions: () => client.operations.list({ action: "version", limit: 100 }),
    audit_frequent: () => client.operations.list({ action: "run.terminate", limit: 100 }),
    audit_actor: () => client.operations.list({ as: "ann", limit: 100 }),
    audit_rare: () => client.operations.list({ namespace: "rare", limit: 100 }),
    audit_rare_frequent: () =>
      client.operations.list({ namespace: "rare", action: "run.terminate", limit: 100 }),
    audit_rare_group: () =>
      client.operations.list({ namespace: "rare", action: "run", limit: 100 }),
    audit_rare_actor: () => client.operations.list({ namespace: "rare", as: "ann", limit: 100 }),
    audit_target: () => client.operations.list({ target: "r-77", limit: 100 }),
    audit_after: second(
      { limit: 100 },
      (options) => client.operations.list({ ...options, action: "run" }),
    ),
  };
}

interface Paged {
  readonly cursor: string | null;
}
