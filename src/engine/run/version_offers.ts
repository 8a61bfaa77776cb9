/**
 * Offers runs the current version of their workflow, if they take new versions by themselves
 * (`versioning: "auto"`).
 *
 * - OFFER-1: a run is moved only if its whole history replays on the current version, and that asks
 *   for each effect that is open in the run.
 * - OFFER-2: a version that a run's history does not replay on is not offered to that generation
 *   again by this node: a longer history does not replay either. A version that could not be loaded
 *   is offered again after a while; one that does not ask for an open effect, whenever the run is
 *   taken up: the effect may be open no more.
 * - OFFER-3: which version is current is read at most once a second for a workflow. A run that is
 *   pinned costs none of this.
 *
 * @module
 */

import { shortHash } from "../../base/text.ts";
import { encode } from "../../base/values.ts";
import type { Proof, ProofRequest } from "../../dry_run/proof.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import type { VersionChange } from "../../ports/store.ts";
import type { VersionRef } from "../../ports/version_ref.ts";
import type { TurnPulse } from "../../replay/effects.ts";
import { policyOf } from "../../workflow/run_policy.ts";
import type { NodeContext } from "../node_context.ts";

/** How long the answer which version is current is used, in milliseconds (OFFER-3). */
const CURRENT_MS = 1_000;

/** After how long a version is offered again that could not be loaded, in milliseconds (OFFER-2). */
const LOAD_AGAIN_MS = 60_000;

/** Of more refusals than that, all are forgotten: it only costs another replay. */
const MOST_REFUSALS = 100_000;

/** Makes what detects replays that never return. */
interface Pulses {
  watch(run: ClaimedRun): TurnPulse;
}

interface Current {
  readonly until: number;
  readonly version: Promise<VersionRef | undefined>;
}

/** Offers versions to the runs of a node. */
export class VersionOffers {
  readonly #node: Pick<NodeContext, "clock" | "code" | "lease" | "log">;
  readonly #watchdog: Pulses | undefined;
  readonly #current = new Map<string, Current>();
  /** When a version may be offered again, by run, generation and version. */
  readonly #refused = new Map<string, number>();

  /**
   * @param node The node.
   * @param watchdog Detects replays that never return.
   */
  constructor(
    node: Pick<NodeContext, "clock" | "code" | "lease" | "log">,
    watchdog: Pulses | undefined,
  ) {
    this.#node = node;
    this.#watchdog = watchdog;
  }

  /**
   * Finds the version that a run may be moved to.
   *
   * @param run The run.
   * @returns The current version; `undefined`: the run is pinned, or on it, or it does not replay
   * there.
   */
  async of(run: ClaimedRun): Promise<VersionRef | undefined> {
    if (!isAuto(run) || this.#node.code.prove === undefined) return undefined;
    const current = await this.#currentOf(run.workflow);
    if (current === undefined || current.hash === run.hash) return undefined;
    const until = this.#refused.get(keyOf(run, current)) ?? -Infinity;
    return until > this.#node.clock.monotonic() ? undefined : current;
  }

  /**
   * Replays a run on a version (OFFER-1).
   *
   * @param run The run.
   * @param version The version.
   * @param read The run's whole history, and what is open in it.
   * @returns The change that moves the run; `undefined`: the run stays.
   */
  async prove(
    run: ClaimedRun,
    version: VersionRef,
    read: Pick<ProofRequest, "events" | "open">,
  ): Promise<VersionChange | undefined> {
    const { code, lease, clock } = this.#node;
    const pulse = this.#watchdog?.watch(run);
    const proof = await code.prove!(run, version.hash, read, {
      node: lease.id,
      ...(pulse === undefined ? {} : { pulse }),
    });
    const facts = {
      run: run.runId,
      workflow: run.workflow,
      version: shortHash(run.hash),
      offered: shortHash(version.hash),
    };
    if (proof === undefined || proof.drift !== null || proof.refused !== null) {
      const isOpen = proof?.drift?.seq === null;
      if (!isOpen) {
        if (this.#refused.size >= MOST_REFUSALS) this.#refused.clear();
        const until = proof === undefined ? clock.monotonic() + LOAD_AGAIN_MS : Infinity;
        this.#refused.set(keyOf(run, version), until);
      }
      const reason = proof?.drift?.message ?? proof?.refused?.message ?? "it can't be loaded here";
      this.#node.log.info("Run {run} stays on version {version}, not {offered}: {reason}", {
        ...facts,
        reason,
      });
      return undefined;
    }
    this.#node.log.info("Run {run} moves from version {version} to {offered}", facts);
    return changeTo(version, run, proof);
  }

  async #currentOf(workflow: string): Promise<VersionRef | undefined> {
    const now = this.#node.clock.monotonic();
    const known = this.#current.get(workflow);
    if (known !== undefined && known.until > now) return await known.version;
    const version = this.#node.code.current(workflow);
    this.#current.set(workflow, { until: now + CURRENT_MS, version });
    try {
      return await version;
    } catch (error) {
      this.#current.delete(workflow);
      throw error;
    }
  }
}

/** Whether a run takes new versions by itself. */
function isAuto({ policy }: ClaimedRun): boolean {
  return policy !== null && policyOf(policy).versioning === "auto";
}

function keyOf({ id, generation }: ClaimedRun, { hash }: VersionRef): string {
  return `${id} ${generation} ${hash}`;
}

function changeTo({ hash, specifier }: VersionRef, run: ClaimedRun, proof: Proof): VersionChange {
  return {
    pin: { hash, specifier },
    payload: encode({ from: run.hash, to: hash }),
    tasks: proof.waits.flatMap(({ position, definition }) =>
      typeof definition === "string" ? [{ position, definition }] : []
    ),
  };
}
