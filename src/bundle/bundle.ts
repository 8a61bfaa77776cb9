/**
 * An open bundle: runs with their histories, and the exact code that they are pinned to.
 *
 * - BUNDLE-1: a bundle exists only after all of its digests were verified (`read.ts`), so code
 *   that holds one may rely on its content being what was exported.
 * - BUNDLE-2: nothing of a bundle's code runs in the process that reads it: {@linkcode codeOf}
 *   returns bytes, which a subprocess without permissions imports (SUBPROCESS-1).
 *
 * @module
 */

import type { RunState } from "../ports/rows.ts";
import type { VerifiedManifest } from "../version/manifest/verified.ts";
import type { BundleContent, BundledRun } from "./content.ts";
import { noCode, noSuchGeneration, noSuchRun } from "./errors.ts";
import type { RunHistory } from "./history.ts";

/** The code of a version. */
export interface BundledCode {
  /** Its manifest. */
  readonly manifest: VerifiedManifest;
  /** Its members' bytes by SHA-256. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
}

/**
 * Which run of a bundle, and which generation of it.
 *
 * @category Runs
 */
export interface BundledRunChoice {
  /**
   * The run's id.
   *
   * @default {the first run of the bundle}
   */
  readonly runId?: string;
  /**
   * The number of the generation.
   *
   * @default {the last generation of the run}
   */
  readonly generation?: number;
}

/**
 * A run of a bundle.
 *
 * @category Runs
 */
export interface BundledRunSummary {
  /** The run's id. */
  readonly runId: string;
  /** Its namespace. */
  readonly namespace: string;
  /** The workflow's name. */
  readonly workflow: string;
  /** Its state when the bundle was written. */
  readonly state: RunState;
  /** The numbers of its generations that the bundle holds, in ascending order. */
  readonly generations: readonly number[];
}

/**
 * The whole content of a bundle.
 *
 * @param bundle The bundle.
 */
export let contentOf: (bundle: Bundle) => BundleContent;

/**
 * The code of a version; nothing of it runs here (BUNDLE-2).
 *
 * @param bundle The bundle.
 * @param hash The version.
 * @returns Its manifest and bytes.
 * @throws {BundleError} (`BUNDLE_NO_CODE`) If the bundle does not hold it.
 */
export let codeOf: (bundle: Bundle, hash: string) => BundledCode;

/**
 * An open bundle. It needs no database, and no code of it runs in this process.
 *
 * @category Runs
 */
export class Bundle {
  /** The release of the package that wrote it. */
  readonly engine: string;
  /** When it was written. */
  readonly exportedAt: Date;
  /** `timeline`: it holds no payloads, but the trace of each generation. */
  readonly redacted: "timeline" | null;
  /** Its runs: those that were asked for, then their children. */
  readonly runs: readonly BundledRunSummary[];
  readonly #content: BundleContent;
  readonly #codes: ReadonlyMap<string, BundledCode>;

  /**
   * Use {@linkcode openBundle}.
   *
   * @param content The verified content.
   * @param codes The verified code, by version hash.
   */
  constructor(content: BundleContent, codes: ReadonlyMap<string, BundledCode>) {
    this.engine = content.engine;
    this.exportedAt = new Date(content.exportedAt);
    this.redacted = content.redacted;
    this.runs = content.runs.map(({ runId, namespace, workflow, facts, generations }) => ({
      runId,
      namespace,
      workflow,
      state: facts.state,
      generations: generations.map(({ generation }) => generation),
    }));
    this.#content = content;
    this.#codes = codes;
  }

  static {
    contentOf = (bundle) => bundle.#content;
    codeOf = (bundle, hash) => bundle.#codeOf(hash);
  }

  /**
   * Finds the history of one generation, which `assertReplays` of the test kit takes.
   *
   * @param choice Which run, and which generation.
   * @returns The history.
   * @throws {BundleError} (`BUNDLE_NO_RUN`) If the bundle does not hold it.
   */
  history({ runId, generation }: BundledRunChoice = {}): RunHistory {
    const run = runOf(this, runId);
    const found = generation === undefined
      ? run.generations.at(-1)
      : run.generations.find((history) => history.generation === generation);
    if (found !== undefined) return found;
    throw noSuchGeneration(
      run.runId,
      generation!,
      run.generations.map((history) => history.generation),
    );
  }

  #codeOf(hash: string): BundledCode {
    const code = this.#codes.get(hash);
    if (code !== undefined) return code;
    const version = this.#content.versions.find((version) => version.hash === hash);
    throw noCode(hash, version?.trouble ?? "no run of the bundle needs it");
  }
}

/**
 * Finds a run.
 *
 * @param bundle The bundle.
 * @param runId Its id; the first run when omitted.
 * @returns The run.
 * @throws {BundleError} (`BUNDLE_NO_RUN`) If the bundle does not hold it.
 */
export function runOf(bundle: Bundle, runId?: string): BundledRun {
  const { runs } = contentOf(bundle);
  const found = runId === undefined ? runs[0] : runs.find((run) => run.runId === runId);
  if (found === undefined) throw noSuchRun(runId, runs.map((run) => run.runId));
  return found;
}
