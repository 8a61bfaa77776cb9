/**
 * Health, nodes and queues, as plain JSON.
 *
 * @module
 */

import type { Health, HealthOptions } from "../client/health.ts";
import type { OperationOptions } from "../client/health/repair.ts";
import type { HealthFinding } from "../client/health/finding.ts";
import type { NodeInfo, QueueInfo } from "../client/fleet.ts";
import type { Continuum } from "../continuum.ts";
import { type Plain, plain } from "./plain.ts";

/** A condition that an operator should look at. */
export type Finding = Plain<HealthFinding>;

/** What the database says about the health of all nodes and runs. */
export type HealthReport = Pick<Plain<Health>, "status" | "at" | "nodes" | "findings">;

/**
 * Reports what an operator should look at, in all namespaces.
 *
 * @param client The client.
 * @param options Whether findings that are not severe count, too.
 */
export async function healthReport(
  client: Continuum,
  options: HealthOptions = {},
): Promise<HealthReport> {
  const { status, at, nodes, findings } = plain(await client.health(options));
  return { status, at, nodes, findings };
}

/** A node. */
export type NodeLine = Plain<NodeInfo>;

/**
 * Lists the nodes that are alive, the oldest first.
 *
 * @param client The client.
 */
export async function listNodes(client: Continuum): Promise<NodeLine[]> {
  return (await client.nodes()).map((node) => plain(node));
}

/** A queue. */
export type QueueLine = Plain<QueueInfo>;

/**
 * Lists the queues that hold tasks or that a node serves, by name.
 *
 * @param client The client.
 */
export async function listQueues(client: Continuum): Promise<QueueLine[]> {
  return (await client.queues()).map((queue) => plain(queue));
}

/**
 * Finds findings by their fingerprints.
 *
 * @param client The client.
 * @param fingerprints Those of the findings.
 * @returns The finding of each; `undefined`: there is none now.
 */
export async function findingsOf(
  client: Continuum,
  fingerprints: readonly string[],
): Promise<readonly (Finding | undefined)[]> {
  const { findings } = await healthReport(client);
  return fingerprints.map((wanted) => findings.find(({ fingerprint }) => fingerprint === wanted));
}

/**
 * Marks findings as known: they no longer make the status `degraded`, as long as their facts stay.
 *
 * @param client The client.
 * @param findings The findings.
 * @param options Who does so, and why.
 */
export async function acknowledgeFindings(
  client: Continuum,
  findings: readonly Finding[],
  options: OperationOptions,
): Promise<void> {
  for (const { fingerprint } of findings) await client.acknowledge(fingerprint, options);
}
