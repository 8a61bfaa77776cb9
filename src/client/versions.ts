/**
 * The public registry of versions.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import { checkText, readName } from "../base/arguments.ts";
import type { VersionStore } from "../ports/store.ts";
import { VersionNotFoundError } from "../version/load_errors.ts";
import { readSource, type VersionSource } from "./sources.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";
import { type CheckContext, checkVersions, type VersionCheckOptions } from "./versions/check.ts";
import type { VersionCheck } from "./versions/check_report.ts";
import { operated } from "./operated.ts";
import type { CodeFinder } from "./versions/code.ts";
import {
  allowDigest,
  type AllowReport,
  type Denial,
  type DenyContext,
  denyDigest,
  type DenyOptions,
  type DenyReport,
  listDenials,
} from "./versions/deny.ts";
import { diffVersions, type VersionDiff, type VersionDiffOptions } from "./versions/diff.ts";
import { collectVersions, type VersionGc, type VersionGcOptions } from "./versions/gc.ts";
import { listVersions, type VersionListOptions, type VersionPage } from "./versions/list.ts";
import { findPatches, type PatchesOptions, type PatchReport } from "./versions/patches.ts";
import { type AddedSignatures, addSignatures } from "./versions/signatures.ts";
import {
  type ReplayContext,
  replayRuns,
  type VersionReplay,
  type VersionReplayOptions,
} from "./versions/replay.ts";

/** What finds, and examines, the code of versions. */
type CodeContext = CheckContext & { readonly versions: CodeFinder };

/**
 * The registry of versions.
 *
 * @category Versions
 */
export class Versions {
  readonly #store: VersionStore;
  readonly #context: ReplayContext & CodeContext & DenyContext;

  /**
   * Made by `Continuum`.
   *
   * @param context Its dependencies.
   */
  constructor(context: ReplayContext & CodeContext & DenyContext) {
    this.#store = context.store.versions;
    this.#context = context;
  }

  /**
   * Lists versions, the newest first, with how each is used. A page costs the same however many runs
   * there are.
   *
   * @example Which old versions are still needed
   * ```ts ignore
   * const { versions } = await continuum.versions.list({ workflow: "order", state: "draining" });
   * for (const { hash, live, oldestLive } of versions) console.log(hash, live, oldestLive);
   * ```
   *
   * @param options Which versions, and how many.
   * @returns A page of versions.
   * @throws {InvalidArgumentError} If an option is unknown or a value has a wrong type.
   * @throws {InvalidArgumentError} (`INVALID_CURSOR`) If the cursor does not belong to this query.
   * @throws {QueryTimeoutError} If the server looks for longer than `timeout`.
   */
  async list(options: VersionListOptions = {}): Promise<VersionPage> {
    return await listVersions(this.#store, this.#context.versions.signatures, options);
  }

  /**
   * Finds the versions that are current: runs that are started by a workflow's name are pinned to
   * its current one.
   *
   * @param workflows The workflows' names; all workflows when omitted.
   * @returns The hashes by workflow. A workflow that has no version is left out.
   * @throws {InvalidArgumentError} If a name is invalid.
   */
  async currents(workflows?: readonly string[]): Promise<ReadonlyMap<string, string>> {
    workflows?.forEach((workflow) => readName(workflow, "a workflow"));
    return await this.#store.currents(workflows);
  }

  /**
   * Reads the code of a version: every module with its text, its label and its digest. The bytes
   * are verified against the hash and never executed, so no trust is needed. The archive is read
   * first; if it lacks the version, the version's specifiers are fetched.
   *
   * @param hash The version.
   * @returns The code.
   * @throws {InvalidArgumentError} If the hash is not a string.
   * @throws {VersionUnavailableError} If no source has the version.
   */
  async source(hash: string): Promise<VersionSource> {
    return await readSource(this.#context.versions, checkText(hash, "version's hash"));
  }

  /**
   * Checks every version that a run which has not ended, its next generation or a schedule needs, in
   * all namespaces: the manifest against the hash, each module's bytes against its digest, packages
   * against this process's lock, an import in a subprocess without permissions, and the activities
   * and child workflows that the code asks for by name. It writes nothing.
   *
   * @example Before a node is taken away
   * ```ts ignore
   * const { ok, groups } = await continuum.versions.check();
   * for (const { state, cause, live } of groups) console.log(state, live, cause);
   * if (!ok) Deno.exit(3);
   * ```
   *
   * @param options What to check.
   * @returns What was found, for each version and by cause.
   * @throws {InvalidArgumentError} If an option is invalid.
   * @throws {DryRunError} (`SUBPROCESS_UNAVAILABLE`) If this process may not start a subprocess: pass
   * `import: false`, or allow it by `--allow-run`.
   */
  async check(options: VersionCheckOptions = {}): Promise<VersionCheck> {
    return await checkVersions(options, this.#context);
  }

  /**
   * Replays the histories of a workflow's runs on code that need not be registered or deployed, and
   * groups what it found by cause, with the lines of both versions. Nothing is written, and no run
   * is held. Code that this process has not loaded runs in a subprocess without permissions, which
   * requires `--allow-run`.
   *
   * A verdict covers the history that was read: "replays" says nothing about what the code does
   * afterwards. If there is no run to replay, the result is not `ok`.
   *
   * @example Before a deployment
   * ```ts ignore
   * const code = import.meta.resolve("./workflows/order.ts");
   * const { ok, groups } = await continuum.versions.replay(code);
   * for (const { verdict, runs, cause } of groups) {
   *   console.log(verdict, runs, cause?.recordedAt?.text, "->", cause?.requestedAt?.text);
   * }
   * if (!ok) Deno.exit(3);
   * ```
   *
   * @param code The specifier of a workflow module, which is read now; or a version's hash; or a
   * definition whose module this process has registered.
   * @param options Which runs, and how many.
   * @returns What was found.
   * @throws {InvalidArgumentError} If an option is invalid, or the specifier is.
   * @throws {VersionUnavailableError} If no source has the version, or it can't be imported.
   * @throws {VersionNotFoundError} If this process has not registered the definition's module.
   * @throws {GraphError} If the modules of a specifier can't be read.
   * @throws {LoadError} (`UNTRUSTED_MODULE`) If the module of a specifier imports what is outside
   * this process's trust.
   * @throws {DryRunError} If the subprocess can't be started, or the import takes too long.
   */
  async replay(
    code: string | WorkflowDefinition<never, unknown>,
    options: VersionReplayOptions = {},
  ): Promise<VersionReplay> {
    return await replayRuns(code, options, this.#context);
  }

  /**
   * Compares the code of two versions: modules paired by label, or by digest if they were renamed,
   * packages by name, and compiler options. Nothing of them is executed. Each may also be code that
   * was never registered, by the specifier of its module.
   *
   * @example What a hotfix changes
   * ```ts ignore
   * const { members, packages } = await continuum.versions.diff(
   *   old,
   *   import.meta.resolve("./workflows/order.ts"),
   * );
   * for (const { patch, sameCode } of members) if (!sameCode) console.log(patch);
   * ```
   *
   * @param a The first version: its hash, or the specifier of a workflow module, which is read now.
   * @param b The second version, in the same way.
   * @param options Which member, and how long to search for patches.
   * @returns What differs.
   * @throws {InvalidArgumentError} If an option is invalid, or no version has the member.
   * @throws {VersionUnavailableError} If no source has a version.
   * @throws {GraphError} If the modules of a specifier can't be read.
   * @throws {LoadError} (`UNTRUSTED_MODULE`) If the module of a specifier imports what is outside
   * this process's trust.
   */
  async diff(a: string, b: string, options: VersionDiffOptions = {}): Promise<VersionDiff> {
    return await diffVersions(this.#context.versions, a, b, options);
  }

  /**
   * Denies a version, or all versions that contain a module: no node executes them any more. A run
   * that a node executes is parked when its turn has ended; the call parks the others. They are
   * `stuck_unknown_version`, with the reason. Starts are refused with `VERSION_DENIED`, and so is
   * `activate`. A version that is registered later and contains the module is barred, too.
   *
   * @example Stop a bad release of a package that 40 versions contain
   * ```ts ignore
   * const { versions, parked } = await continuum.versions.deny(sha256, { reason: "incident 42" });
   * ```
   *
   * @param sha256 The hash of a version, or the SHA-256 of a module, as `source()` gives it.
   * @param options Why.
   * @returns What it bars, and what starts by name do until another version is activated.
   * @throws {InvalidArgumentError} If the digest or an option is invalid.
   */
  async deny(sha256: string, options: DenyOptions): Promise<DenyReport> {
    return await denyDigest(this.#context, sha256, options);
  }

  /**
   * Takes a denial back: runs that were parked for it continue, unless another denial bars their
   * version.
   *
   * @param sha256 The digest that is denied.
   * @returns Which versions nodes may execute again.
   * @throws {InvalidArgumentError} If the digest is invalid.
   * @throws {VersionNotFoundError} If no denial names it.
   */
  async allow(sha256: string): Promise<AllowReport> {
    return await allowDigest(this.#context, sha256);
  }

  /**
   * Removes versions that nothing needs any more, of all namespaces. The bytes of a version's modules
   * go when no run that has not ended, no schedule and no name needs it; hash and manifest stay for
   * the ended runs that refer to it, and go with the last of these. Modules that another version
   * contains stay. A run that starts meanwhile on a version keeps it.
   *
   * No run starts on a version whose bytes are gone, until it is registered again: nodes do that by
   * themselves for their own modules, and where a URL still has the bytes. An ended run can be
   * traced, forked or reopened only then, too.
   *
   * It works in batches, each of which is one transaction: a call that is interrupted is continued
   * by the next.
   *
   * @example Every week
   * ```ts ignore
   * const plan = await continuum.versions.gc({ olderThan: "90d", dryRun: true });
   * console.log(plan.versions.length, "versions,", plan.bytes, "bytes");
   * await continuum.versions.gc({ before: plan.before });
   * ```
   *
   * @param options Which versions.
   * @returns What was removed, and how many versions stay for which reason.
   * @throws {InvalidArgumentError} If an option is invalid.
   */
  async gc(options: VersionGcOptions = {}): Promise<VersionGc> {
    return await collectVersions(options, this.#context);
  }

  /**
   * Finds the calls of `ctx.patched` in the code of a workflow: in its current version, and in those of
   * live runs. For each patch it counts the live runs, in all namespaces, that may need the old branch,
   * and says whether that may go.
   *
   * Code is searched and not executed. A patch counts under the name that is written in the call. A
   * history notes the new branch alone: a run without the note counts as `old`, unless it began on code
   * that has the patch.
   *
   * @example Which old branches may go
   * ```ts ignore
   * const { patches } = await continuum.versions.patches("order");
   * for (const { name, mayGo, old, oldest } of patches) console.log(name, mayGo, old, oldest?.id);
   * ```
   *
   * @param name The workflow's name; or the hash of a version, for the patches of that version alone.
   * @param options How many runs are examined.
   * @returns The patches, and who needs them.
   * @throws {InvalidArgumentError} If an argument is invalid.
   * @throws {VersionNotFoundError} If there is no such workflow or version.
   */
  async patches(name: string, options: PatchesOptions = {}): Promise<PatchReport> {
    return await findPatches(name, options, this.#context);
  }

  /**
   * Adds signatures to the registry, also of versions that are registered later. Parked runs of their
   * versions continue on nodes that trust the key. Each signature that this process has the public key
   * of is verified first; nodes verify every one themselves.
   *
   * @example What a pipeline signed
   * ```ts ignore
   * const { added } = await continuum.versions.addSignatures(
   *   await Deno.readTextFile("workflows.signatures"),
   * );
   * ```
   *
   * @param signatures What `continuum versions sign` printed.
   * @returns What was added; a signature that the registry had is left out.
   * @throws {InvalidArgumentError} If a line is no signature, or one by a key of this process's
   * `trust.keys` is not valid. Nothing is added then.
   */
  async addSignatures(signatures: string): Promise<AddedSignatures> {
    return await addSignatures(this.#context, signatures);
  }

  /**
   * Lists what is denied, the oldest denial first.
   *
   * @returns Each denial, and the versions that it bars.
   */
  async denials(): Promise<Denial[]> {
    return await listDenials(this.#context);
  }

  /**
   * Makes a version current: runs that are started by the workflow's name are pinned to it.
   *
   * @param workflow The workflow's name.
   * @param hash The version.
   * @throws {VersionNotFoundError} If the workflow does not have this version.
   * @throws {VersionDeniedError} If the version is denied.
   * @throws {VersionUnavailableError} If {@linkcode Versions.gc} removed its bytes, and no source has
   * them.
   */
  async activate(workflow: string, hash: string): Promise<void> {
    readName(workflow, "a workflow");
    checkText(hash, "a version's hash");
    const { versions } = this.#context;
    const task = `activate a version of ${quoteId(workflow)}`;
    const act = { action: "version.activate", namespace: null, target: workflow } as const;
    await operated(this.#context, act, async (deed) => {
      await versions.denials.refresh();
      versions.demandAllowed(hash, task);
      await versions.pinning(() =>
        deed(async ({ store }) => {
          if (await store.versions.activate(workflow, hash)) return true;
          throw new VersionNotFoundError(hash, task);
        })
      );
    });
  }
}
