/**
 * What this process can't do, and what nobody can.
 *
 * @module
 */

import type { StuckReason } from "../ports/rows.ts";
import type { Store } from "../ports/store.ts";
import type { Versions } from "../version/versions.ts";

/** A version in this process's memory. */
export interface LoadedCode {
  /** SHA-256 of its manifest, in hex. */
  readonly hash: string;
  /** Its workflow's name. */
  readonly workflow: string;
  /** The label that its definition gives itself. */
  readonly label: string | null;
  /** Where its code came from: the application's own import, its URL, or the archive. */
  readonly source: "native" | "url" | "archive";
  /** The specifier that it was found under. */
  readonly specifier: string;
}

/** A condition that somebody should look at. */
export interface HealthFinding {
  /** A stable word. */
  readonly code: "STUCK_VERSION" | "NO_NODE_CAN_LOAD" | "STUCK_SCHEDULE" | "UNSIGNED_CODE";
  /** Whether runs wait for it to be mended. */
  readonly severe: boolean;
  /** For people. */
  readonly message: string;
  /** Facts. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** What {@linkcode Continuum.health} says. */
export interface Health {
  /** `degraded`: some finding is severe. */
  readonly status: "ok" | "degraded";
  /** Nodes that are alive. */
  readonly nodes: readonly string[];
  /** Versions in this process's memory; they are never freed. */
  readonly code: readonly LoadedCode[];
  /** Bytes of the modules of these versions. */
  readonly codeBytes: number;
  /** Modules that this process loaded from memory so far, failed attempts included. */
  readonly modules: number;
  /** What somebody should look at. */
  readonly findings: readonly HealthFinding[];
}

/**
 * Looks at everything.
 *
 * @param store Where everything is kept.
 * @param versions The versions of this process.
 * @returns What was found.
 */
export async function healthOf(store: Store, versions: Versions): Promise<Health> {
  const nodes = await store.nodes.alive();
  const findings = [
    ...await stuckVersions(store),
    ...await unloadable(store, nodes),
    ...await stuckSchedules(store),
    UNSIGNED,
  ];
  const { bytes: codeBytes, modules } = versions.statistics;
  return {
    status: findings.some(({ severe }) => severe) ? "degraded" : "ok",
    nodes,
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

const UNSIGNED: HealthFinding = {
  code: "UNSIGNED_CODE",
  severe: false,
  message: "Versions are not signed: whoever can write to the database can run code on the nodes",
  details: {},
};

async function stuckVersions(store: Store): Promise<HealthFinding[]> {
  return (await store.versions.stuck()).map((hash) => ({
    code: "STUCK_VERSION",
    severe: true,
    message: `Runs are parked, since version ${hash} can't be had`,
    details: { hash },
  }));
}

/** Versions that runs want, and that every live node reports as out of its reach. */
async function unloadable(store: Store, nodes: readonly string[]): Promise<HealthFinding[]> {
  const byHash = new Map<string, Record<string, StuckReason>>();
  for (const { hash, node, reason } of await store.versions.failures()) {
    byHash.set(hash, { ...byHash.get(hash), [node]: reason });
  }
  const findings: HealthFinding[] = [];
  for (const [hash, reasons] of byHash) {
    if (nodes.length === 0 || !nodes.every((node) => node in reasons)) continue;
    const waiting = await store.runs.list({
      hash,
      states: ["pending", "suspended"],
      limit: 1,
      everywhere: true,
    });
    if (waiting.length === 0) continue;
    findings.push({
      code: "NO_NODE_CAN_LOAD",
      severe: true,
      message: `No node can load version ${hash}`,
      details: { hash, reasons },
    });
  }
  return findings;
}

async function stuckSchedules(store: Store): Promise<HealthFinding[]> {
  return (await store.schedules.stuck()).map(({ namespace, id, reason }) => ({
    code: "STUCK_SCHEDULE",
    severe: true,
    message: `Schedule ${JSON.stringify(id)} of namespace ${JSON.stringify(namespace)} is stuck: ` +
      reason,
    details: { namespace, id, reason },
  }));
}
