/**
 * Health: work that this process can't do, and work that no node can do.
 *
 * @module
 */

import { checkBoolean, checkOptions } from "../base/arguments.ts";
import { sha256Hex } from "../base/encoding.ts";
import type { Acknowledged } from "../ports/repairs.ts";
import type { Store } from "../ports/store.ts";
import type { Versions } from "../version/versions.ts";
import { readChecks } from "./health/checks.ts";
import {
  expiredNodes,
  expiredTasks,
  failing,
  failuresOf,
  type Found,
  type GaveBack,
  gaveBack,
  lateCheck,
  lateSchedule,
  overdue,
  stuck,
  stuckSchedules,
  tasksOfNobody,
  unloadableOf,
  unnotified,
  unsigned,
} from "./health/findings.ts";
import type { HealthFinding } from "./health/finding.ts";
import { repairOf } from "./health/repair_plan.ts";

/**
 * A version in this process's memory.
 *
 * @category Continuum
 */
export interface LoadedCode {
  /** SHA-256 of its manifest, in hex. */
  readonly hash: string;
  /** Its workflow's name. */
  readonly workflow: string;
  /** The label that its definition gives itself. */
  readonly label: string | null;
  /** The source of its code: the application's own import, its URL, or the archive. */
  readonly source: "native" | "url" | "archive";
  /** The specifier that led to it. */
  readonly specifier: string;
}

/**
 * Options of {@linkcode Continuum.health}.
 *
 * @category Continuum
 */
export interface HealthOptions {
  /**
   * Whether a finding that is not severe makes the status `degraded` too, except for
   * `UNSIGNED_CODE`.
   *
   * @default {false}
   */
  readonly strict?: boolean;
}

/**
 * What {@linkcode Continuum.health} says.
 *
 * @category Continuum
 */
export interface Health {
  /** `degraded`: some finding is severe, and has not been acknowledged. */
  readonly status: "ok" | "degraded";
  /** When the report was made, by the database's clock. */
  readonly at: Date;
  /** Nodes that are alive. */
  readonly nodes: readonly string[];
  /** Versions in this process's memory; they are never freed. */
  readonly code: readonly LoadedCode[];
  /** Bytes of the modules of these versions. */
  readonly codeBytes: number;
  /** How many modules this process has loaded from memory so far, failed attempts included. */
  readonly modules: number;
  /** Conditions that an operator should look at. */
  readonly findings: readonly HealthFinding[];
}

/** Counts stop at this: a version's parked runs, due runs, tasks that fail. */
const MOST = 1_000;

/** So many of the tasks that a queue would hand out next are read. There may be many queues. */
const MOST_OF_QUEUE = 250;

/** Work that has waited longer than this, in milliseconds, counts as lacking a node. */
const LATE_MS = 60_000;

/**
 * Collects the findings.
 *
 * @param store The store.
 * @param versions The versions of this process.
 * @param options Which findings count.
 * @param recovered Leases that this process's node held unknowingly and released.
 * @returns The report.
 */
export async function healthOf(
  store: Store,
  versions: Versions,
  options: HealthOptions,
  recovered: GaveBack = { runs: 0, tasks: 0 },
): Promise<Health> {
  checkOptions(options, ["strict"], "health()");
  const { strict = false } = options;
  checkBoolean(strict, "option strict of health()");
  const { health } = store;
  const { read, late } = await readChecks({
    nodes: () => health.nodes(),
    failures: () => failuresOf(store),
    due: () => health.due(MOST, LATE_MS),
    waiting: () => health.waiting(MOST_OF_QUEUE, LATE_MS),
    parked: () => health.stuck(MOST),
    gone: () => health.expiredNodes(MOST, LATE_MS),
    ends: () => health.unnotifiedEnds(MOST, LATE_MS),
    expired: () => health.expiredTasks(MOST, LATE_MS),
    failing: () => health.failing(MOST),
    stuckSchedules: () => stuckSchedules(store),
    lateSchedules: () => health.lateSchedules(LATE_MS),
  });
  if (Object.keys(read).length === 0) throw late[0]!.error;
  const { nodes, failures, due = [], waiting = [] } = read;
  const unloadable = nodes === undefined || failures === undefined
    ? new Map<string, Found>()
    : unloadableOf(due, waiting, nodes, failures);
  const found = [
    ...(read.parked ?? []).map(stuck),
    ...unloadable.values(),
    ...due.filter(({ hash, late }) => late > 0 && !unloadable.has(hash)).map(overdue),
    ...expiredNodes(read.gone ?? []),
    ...unnotified(read.ends ?? null),
    ...(nodes === undefined ? [] : tasksOfNobody(waiting, nodes)),
    ...(read.expired ?? []).map(expiredTasks),
    ...(read.failing ?? []).map(failing),
    ...read.stuckSchedules ?? [],
    ...(read.lateSchedules ?? []).map(lateSchedule),
    ...gaveBack(recovered),
    ...(nodes === undefined ? [] : unsigned(nodes, versions.signatures.keys !== undefined)),
    ...late.map(lateCheck),
  ];
  const findings = await marked(found, store);
  const { bytes: codeBytes, modules } = versions.statistics;
  const counts = ({ code, severe, acknowledged }: HealthFinding) =>
    acknowledged === null && (severe || strict && code !== "UNSIGNED_CODE");
  return {
    status: findings.some(counts) ? "degraded" : "ok",
    at: new Date(await store.now()),
    nodes: (nodes ?? []).map(({ id }) => id),
    code: versions.loaded.map(({ hash, definition, source, specifier }) => ({
      hash,
      workflow: definition.name,
      label: definition.version,
      source,
      specifier,
    })),
    codeBytes,
    modules,
    findings,
  };
}

/** Adds to each finding what operators have said of it. */
async function marked(found: readonly Found[], { repairs }: Store): Promise<HealthFinding[]> {
  const all = found.map(identified);
  const { read: { marks = [] }, late } = await readChecks({
    marks: () => repairs.acknowledged(all.map(({ fingerprint }) => fingerprint)),
  });
  const known = new Map(marks.map((mark) => [mark.fingerprint, mark]));
  return [...all, ...late.map((check) => identified(lateCheck(check)))].map((finding) => {
    const mark = known.get(finding.fingerprint);
    return { ...finding, acknowledged: mark === undefined ? null : shownMark(mark) };
  });
}

function identified({ facts, ...finding }: Found): Omit<HealthFinding, "acknowledged"> {
  const fingerprint = sha256Hex(JSON.stringify([finding.code, ...facts])).slice(0, FINGERPRINT);
  return { ...finding, fingerprint, repair: repairOf(finding.code) };
}

/** The length of a fingerprint, in characters. */
const FINGERPRINT = 16;

function shownMark({ actor, at, reason }: Acknowledged): HealthFinding["acknowledged"] {
  return { by: actor, at: new Date(at), reason };
}
