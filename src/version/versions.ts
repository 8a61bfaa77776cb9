/**
 * The versions of a process, and how it obtains them.
 *
 * - VERSION-1: no code of a version runs before all of it is verified against its hash, unless it
 *   is the application's own import, which is verified afterwards (see `version/load/native.ts`).
 * - VERSION-2: a version in memory is returned without I/O.
 * - VERSION-3: concurrent attempts to obtain one version share one attempt.
 * - VERSION-4: manifest and bytes are in the database before {@linkcode Versions.register} returns.
 * - VERSION-5: a start never changes what a name means: the version that it registers becomes
 *   current nowhere, and does not make this node serve other versions of its name.
 * - VERSION-6: the note that a node can't load a version is removed before the version is executed
 *   there, however it was loaded. This is the exception to VERSION-2.
 *
 * SIGNED-1 of `version/signing/signatures.ts` holds here: every version that this file loads or keeps
 * passes {@linkcode Versions.demandSigned}.
 *
 * @module
 */

import { importAbsolute } from "../base/import_absolute.ts";
import { LOGTAPE } from "../base/log.ts";
import { quoteId } from "../base/describe.ts";
import { type ContinuumError, isContinuumError } from "../base/errors.ts";
import { authoredError, type AuthoredLog, noteSources } from "../base/authored.ts";
import type { NewPackages, NewVersion, StuckReason, VersionRow } from "../ports/rows.ts";
import type { VersionStore } from "../ports/store.ts";
import { Application } from "./project/application.ts";
import { chosenVersion, currentVersion, noSuchWorkflow, specifiedVersion } from "./choose.ts";
import { warnOfChanges } from "./load/changed_files.ts";
import { ChildVersions } from "./child_versions.ts";
import { Denials } from "./denials.ts";
import type { DenialStore } from "../ports/denials.ts";
import { contractOf, readDefinition } from "./definition.ts";
import type { ModuleGraph } from "./graph/read.ts";
import { lateRejections } from "./load/import_guard.ts";
import { ImportFailures } from "./load/import_failures.ts";
import {
  type FailureKind,
  integrityMismatch,
  loadFailure,
  type SourceReason,
  VersionNotFoundError,
  type VersionUnavailableError,
} from "./load_errors.ts";
import { reasonOf } from "./load/reasons.ts";
import type { LoadedSource, LoadedVersion, OwnVersion } from "./loaded_version.ts";
import type { Telemetry } from "../ports/telemetry.ts";
import type { SignatureStore } from "../ports/signatures.ts";
import type { VersionRef } from "../ports/version_ref.ts";
import { labelPath, labelUrl, normaliseUrl } from "./manifest/label.ts";
import { type LoadedModules, Loader, type LoaderOptions } from "./load/loader.ts";
import { importNatively } from "./load/native.ts";
import {
  type ArchiveOptions,
  hasPackages,
  knownPackages,
  MOST_PACKAGE_BYTES,
  readPackages,
} from "./packages/archive_packages.ts";
import type { VersionPackages } from "./packages/version_packages.ts";
import type { VerifiedManifest } from "./manifest/verified.ts";
import { OwnVersions } from "./own_versions.ts";
import { pinRestoring, restore } from "./restore.ts";
import { Signatures } from "./signing/signatures.ts";
import {
  type ExaminedVersion,
  type FoundVersion,
  Sources,
  type SourcesOptions,
} from "./sources.ts";
import { Trust, type TrustOptions } from "./fetch/trust.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** The settings and dependencies of {@linkcode Versions}. */
export interface VersionsOptions extends SourcesOptions {
  /** Specifiers of the process's own workflow modules; trusted by default. */
  readonly workflows?: readonly string[];
  /** Which other code is trusted. */
  readonly trust?: TrustOptions;
  /** What is kept in the database: the bytes of members, and of npm packages. Default: both. */
  readonly archive?: boolean | ArchiveOptions;
  /** Whether the application's own imported modules may be used as versions. Default false. */
  readonly native?: boolean;
  /** Limits of loading. */
  readonly loader?: LoaderOptions;
  /** Takes what is noteworthy about code. Default: LogTape. */
  readonly log?: AuthoredLog | undefined;
  /** Observes loads of versions. */
  readonly telemetry?: Pick<Telemetry, "loaded"> | undefined;
  /** The denials of the database; none when omitted. */
  readonly denials?: Pick<DenialStore, "list">;
  /** The signatures of the database; none when omitted. */
  readonly signatures?: Pick<SignatureStore, "of">;
}

/** What has been loaded so far. */
export interface LoadStatistics {
  /** Versions in memory by source. */
  readonly versions: Readonly<Record<LoadedSource, number>>;
  /** Bytes of their members. */
  readonly bytes: number;
  /** Modules that the process has loaded from memory, failed attempts included; never freed. */
  readonly modules: number;
  /** Promises that modules left rejected after their import had ended. */
  readonly lateRejections: number;
}

/** How many nodes may crash while they load a version. */
const MAX_CRASHES = 3;

/** The versions of a process, and the ones that it can obtain. */
export class Versions {
  /** The denials that this process knows. */
  readonly denials: Denials;
  /** The signatures that this process goes by. */
  readonly signatures: Signatures;
  readonly #options: VersionsOptions;
  readonly #store: VersionStore;
  readonly #application: Application;
  readonly #trust: Trust;
  readonly #loader: Loader;
  readonly #sources: Sources;
  readonly #children: ChildVersions;
  readonly #loaded = new Map<string, LoadedVersion>();
  readonly #obtaining = new Map<string, Promise<LoadedVersion>>();
  readonly #own = new OwnVersions();
  readonly #failures = new ImportFailures();
  /** Versions for which the database has a note that this process's node can't load them. */
  readonly #noted = new Set<string>();
  readonly #counts = { native: 0, url: 0, archive: 0 };
  #bytes = 0;

  /**
   * Makes the object; nothing is read yet.
   *
   * @param options The settings and dependencies.
   * @throws {InvalidArgumentError} When a workflow or live module is not named by an absolute
   * specifier.
   * @throws {InvalidArgumentError} When a pattern, a key or a signature of `trust` is invalid.
   */
  constructor(options: VersionsOptions) {
    this.#options = options;
    this.#store = options.store;
    this.denials = new Denials(options.denials);
    this.signatures = new Signatures(options.trust ?? {}, options.signatures);
    this.#application = Application.find(options.config);
    const workflows = (options.workflows ?? []).map((w) => this.#application.resolve(w));
    this.#trust = new Trust(options.trust ?? {}, workflows);
    this.#loader = new Loader({ log: options.log, ...options.loader });
    this.#sources = new Sources(
      options,
      this.#application,
      this.#trust,
      this.signatures.keys !== undefined,
    );
    this.#children = new ChildVersions({
      store: options.store,
      isArchiving: options.archive !== false,
      packages: (manifest) => this.#newPackages(manifest),
      record: (url) => this.#application.record(url),
      keep: async (version) => {
        const { hash, definition: { name } } = version;
        const isSigned = await this.signatures.fault(hash, name) === undefined; // SIGNED-1
        if (isSigned && this.denialReason(hash) === undefined) this.#keep(version);
      },
    });
  }

  /** The versions in memory, in the order in which they were loaded. */
  get loaded(): readonly LoadedVersion[] {
    return [...this.#loaded.values()];
  }

  /** What has been loaded so far. */
  get statistics(): LoadStatistics {
    return {
      versions: { ...this.#counts },
      bytes: this.#bytes,
      modules: this.#loader.modules,
      lateRejections: lateRejections(),
    };
  }

  /**
   * Reads a workflow module as it is now, loads it, and registers it with all its bytes.
   *
   * @param specifier Its absolute URL, a `jsr:` specifier, or `app:` and a path.
   * @returns The version.
   * @throws {LoadError} (`UNTRUSTED_MODULE`) When it, or what it imports, is outside this node's
   * trust.
   * @throws {LoadError} (`NOT_A_WORKFLOW`) When its default export is not a workflow.
   * @throws {LoadError} (`IMPORT_FAILED`) When it can't be imported.
   * @throws {VersionUnavailableError} When the operator denies it, or it needs a signature and has
   * none. Errors of reading graphs unchanged.
   */
  async register(specifier: string): Promise<OwnVersion> {
    const own = await this.#registerAuthored(specifier, false);
    this.#own.add(own);
    return own;
  }

  /** Registers; an error names locations in the author's files. */
  async #registerAuthored(specifier: string, isStart: boolean): Promise<OwnVersion> {
    try {
      return await this.#register(specifier, isStart);
    } catch (error) {
      throw authoredError(error);
    }
  }

  async #register(specifier: string, isStart: boolean): Promise<OwnVersion> {
    const url = this.#application.resolve(specifier);
    const graph = await this.#sources.read(url, false);
    const { hash, text } = graph.manifest;
    await this.#refuseDenied(hash, text);
    await this.demandSigned(hash); // before its name is known
    noteSources(hash, null, sourcesOf(graph.urls));
    const recorded = this.#application.record(url);
    const loaded = this.#loaded.get(hash) ?? await this.#loadOwn(graph, url, recorded);
    const { definition } = loaded;
    await this.demandSigned(hash, definition.name); // SIGNED-2
    if (loaded.source !== "native") {
      await warnOfChanges(
        hash,
        definition.name,
        url,
        graph.urls.values(),
        this.#options.log ?? LOGTAPE.version,
      );
    }
    const version: NewVersion = {
      hash,
      workflow: definition.name,
      label: definition.version,
      manifest: text,
      contract: contractOf(definition),
      specifier: recorded,
      blobs: this.#options.archive === false ? null : graph.bytes,
      packages: await this.#newPackages(graph.manifest),
      ...(isStart ? { isStart } : {}),
    };
    const { created, revived } = await this.#store.register(version);
    this.#keep(loaded);
    this.#failures.forget(hash);
    return {
      ...loaded,
      specifier: recorded,
      manifest: text,
      isNew: created,
      revived,
      diagnostics: graph.diagnostics,
    };
  }

  /**
   * Obtains a version: from memory, else from a specifier that it is known under, else from the
   * archive.
   *
   * @param hash The version.
   * @param node The id of the node that will execute it: an import is noted durably before it
   *   starts, and so is the reason why this node can't load it. Nothing is noted without a node.
   * @returns The version in memory.
   * @throws {VersionUnavailableError} When it is unavailable, with a kind and a reason for each
   * source.
   */
  obtain(hash: string, node?: string): Promise<LoadedVersion> {
    // VERSION-2, VERSION-3
    const loaded = this.#loaded.get(hash);
    const isNoted = node !== undefined && this.#noted.has(hash); // VERSION-6
    const isAllowed = this.denials.of(hash) === undefined; // DENIAL-1
    if (loaded !== undefined && !isNoted && isAllowed) return Promise.resolve(loaded);
    let obtaining = this.#obtaining.get(hash);
    if (obtaining === undefined) {
      obtaining = this.#obtain(hash, node).finally(() => this.#obtaining.delete(hash));
      this.#obtaining.set(hash, obtaining);
    }
    return obtaining;
  }

  /**
   * The workflow of a version in memory.
   *
   * @param hash The version.
   * @returns Its name; `undefined` if the version is not in memory.
   */
  workflowOf(hash: string): string | undefined {
    return this.#loaded.get(hash)?.definition.name;
  }

  /**
   * Checks whether a version that was unavailable is available now. Its code is not executed.
   *
   * @param hash The version.
   * @returns Whether all of it was found and verified.
   */
  async probe(hash: string): Promise<boolean> {
    if (this.denialReason(hash) !== undefined) return false;
    if (this.#loaded.has(hash)) return true;
    if (this.#failures.lasting(hash) !== undefined) return false;
    const row = await this.#store.get(hash);
    if (
      row === null || this.denials.of(hash, row.manifest) !== undefined ||
      row.loadCrashes >= MAX_CRASHES || !await this.#mayLoad(row) ||
      await this.signatures.fault(hash, row.workflow) !== undefined
    ) {
      return false;
    }
    const found = await this.#sources.find(row);
    return !Array.isArray(found) &&
      await found.packages?.().then((each) => each.isSound()) !== false;
  }

  /**
   * The code of a version, to read it, or to run it in a process without permissions. Nothing of it
   * runs here, and no trust is needed where the archive has it.
   *
   * @param hash The version.
   * @param store Reads it; that of this process when omitted.
   * @returns Its manifest and bytes, verified.
   * @throws {VersionUnavailableError} When no source has them.
   */
  async inspect(hash: string, store: VersionStore = this.#store): Promise<FoundVersion> {
    const row = await store.get(hash);
    if (row === null) {
      throw refused(hash, "registry", "lasting", "UNREGISTERED", "no such version is registered");
    }
    const found = await this.#sources.inspect(row, store);
    if (Array.isArray(found)) throw loadFailure(hash, found);
    return found;
  }

  /**
   * Examines a version, and runs nothing of it: where its bytes are, whether an operator has denied
   * it, as far as this process knows, whether it lacks a signature that this process requires, and
   * whether this process's lock has its packages with the same content.
   *
   * @param hash The version.
   * @param isHere Whether to check also that this process may load it.
   * @param store Reads it; that of this process when omitted.
   * @returns What was found; `null`: it is not registered.
   */
  async examine(
    hash: string,
    isHere: boolean,
    store: VersionStore = this.#store,
  ): Promise<ExaminedVersion & { readonly packages: VersionPackages | null } | null> {
    const row = await store.get(hash);
    if (row === null) return null;
    const examined = await this.#sources.examine(row, store);
    const reasons = [...examined.reasons];
    const note = async (source: SourceReason["source"], check: () => unknown) => {
      try {
        await check();
      } catch (error) {
        const known = isContinuumError(error, "VERSION_UNAVAILABLE") ? error.details.reasons : [];
        reasons.push(...known.length > 0 ? known : [reasonOf(error, source)]);
      }
    };
    if (isHere || this.denials.of(hash, row.manifest) !== undefined) {
      await note("policy", () => this.#refuseDenied(hash, row.manifest));
    }
    await note("policy", () => this.demandSigned(hash, row.workflow));
    if (isHere) {
      await note("policy", () => this.#refuseUntrusted(row));
      await note("import", () => this.#refuseCrashed(hash, row.loadCrashes));
    }
    const { found } = examined;
    if (found === null) return { ...examined, reasons, packages: null };
    let packages: VersionPackages | null = null;
    await note("import", async () => {
      packages = await found.packages?.() ?? null;
      await packages?.check();
    });
    return { ...examined, reasons, packages };
  }

  /**
   * Reads a workflow module and all that it imports as they are now, to look at them, or to run them
   * in a process without permissions. Nothing of them runs here, and nothing is registered. The root
   * is trusted, since the caller names it; what it imports is read as `trust` allows.
   *
   * @param specifier Its absolute URL, a `jsr:` specifier, or `app:` and a path.
   * @returns Its manifest and bytes.
   * @throws {InvalidArgumentError} When the specifier is none of these.
   * @throws {LoadError} (`UNTRUSTED_MODULE`) When it imports what is outside this process's trust.
   * Errors of reading graphs unchanged.
   */
  async read(specifier: string): Promise<FoundVersion> {
    const url = this.#application.resolve(specifier);
    const { manifest, bytes, urls } = await this.#sources.read(url, true);
    noteSources(manifest.hash, null, sourcesOf(urls));
    return {
      manifest,
      bytes,
      source: "url",
      specifier: this.#application.record(url),
      url: urls.get(manifest.content.entry)!,
    };
  }

  /**
   * Executes what pins runs or schedules to versions. If old versions were removed meanwhile and one of
   * these was among them, it is registered again, and the call is repeated.
   *
   * @param pin Pins something. Repeating it must do no harm if the database refused it.
   * @param isRepeatable Whether to repeat it; otherwise the refusal is thrown in any case.
   * @returns Its result.
   * @throws {DatabaseError} (`VERSION_NOT_REGISTERED`) When a version is not registered, and this
   * process has not registered it.
   * @throws {VersionUnavailableError} When the bytes of a version were removed, and no source has them.
   */
  async pinning<T>(pin: () => Promise<T>, isRepeatable = true): Promise<T> {
    return await pinRestoring(pin, async (hash) => {
      this.#children.forget(hash);
      await restore(hash, {
        store: this.#store,
        sources: this.#sources,
        isArchiving: this.#options.archive !== false,
        packages: (manifest) => this.#newPackages(manifest),
        own: this.#own.get(hash),
      });
    }, isRepeatable);
  }

  /**
   * Why this process does not execute a version that it may have in memory.
   *
   * @param hash The version.
   * @returns The reason with which its runs are parked; `undefined`: it is not denied.
   */
  denialReason(hash: string): StuckReason | undefined {
    const refusal = this.#refusalOf(hash);
    return refusal && noteOf(refusal);
  }

  /** See {@linkcode Denials.demandAllowed}. */
  demandAllowed(hash: string, task: string): void {
    this.denials.demandAllowed(hash, task);
  }

  /**
   * Refuses to execute a version that needs a signature and has none (SIGNED-1).
   *
   * @param hash The version.
   * @param workflow The name that it would be executed as; when omitted, any that is signed.
   * @throws {VersionUnavailableError} When no signature by a key of `trust.keys` is valid.
   */
  async demandSigned(hash: string, workflow?: string): Promise<void> {
    const fault = await this.signatures.fault(hash, workflow);
    if (fault !== undefined) throw refused(hash, "policy", "lasting", "UNSIGNED_VERSION", fault);
  }

  /** Whether a version is in memory, so that its code runs in this process already. */
  has(hash: string): boolean {
    return this.#loaded.has(hash);
  }

  /**
   * Forgets failed imports and crashes of a version: the next attempt counts as the first.
   *
   * @param hash The version.
   */
  async clearFailures(hash: string): Promise<void> {
    this.#failures.forget(hash);
    await this.#store.clearFailures(hash);
  }

  /**
   * Whether this node may load a registered version: it serves a workflow of that name, under which
   * a node registered the version itself, or it trusts a specifier of it.
   *
   * @param version The registry's row.
   * @returns Whether it may.
   */
  trusts(version: Pick<VersionRow, "workflow" | "specifiers" | "isOwnRight">): boolean {
    return version.isOwnRight && this.#own.workflows.has(version.workflow) ||
      version.specifiers.some((s) => this.#trust.trusts(this.#application.tryResolve(s) ?? ""));
  }

  /**
   * Converts a specifier into the form of the registry.
   *
   * @param specifier An absolute URL, a `jsr:` specifier, or `app:` and a path.
   * @returns The registry's form.
   * @throws {InvalidArgumentError} When the specifier is none of these.
   */
  record(specifier: string): string {
    return this.#application.record(this.#application.resolve(specifier));
  }

  /**
   * Chooses the version of a new run.
   *
   * @param workflow A definition that this process imported and registered: that version. Or a
   *   workflow's name: its current version. Or a registered specifier: its version. Or, if
   *   `trust.start` allows it, any other specifier, which is then registered.
   * @param chosen The hash of the version that the caller chose, of the workflow that is named or defined.
   * @returns The version.
   * @throws {VersionNotFoundError} When there is none, or the chosen one is of another workflow.
   */
  async forStart(workflow: WorkflowDefinition | string, chosen?: string): Promise<VersionRef> {
    if (chosen !== undefined) {
      const name = typeof workflow === "string" ? workflow : workflow.name;
      return await chosenVersion(name, chosen, this.#store);
    }
    if (typeof workflow !== "string") {
      return await this.#own.forStart(
        workflow,
        async (specifier) => (await importAbsolute(this.#application.resolve(specifier))).default,
      );
    }
    const ownSpecifier = (hash: string) => this.#own.get(hash)?.specifier;
    const current = await currentVersion(workflow, this.#store, ownSpecifier);
    if (current !== null) return current;
    const url = this.#application.tryResolve(workflow);
    if (url === undefined) throw noSuchWorkflow(workflow);
    const known = await specifiedVersion(this.#application.record(url), this.#store);
    if (known !== null) return known;
    if (!this.#trust.mayStart(url)) {
      throw new VersionNotFoundError(
        workflow,
        "start a run",
        "the specifier is not registered, and trust.start does not allow it",
      );
    }
    return await this.registerForStart(url);
  }

  /**
   * Reads a workflow module as it is now and registers its version, which becomes current nowhere
   * (VERSION-5).
   *
   * @param specifier As in {@linkcode Versions.register}, whose errors it throws.
   * @returns The version.
   */
  async registerForStart(specifier: string): Promise<VersionRef> {
    const own = await this.#registerAuthored(specifier, true);
    return { workflow: own.definition.name, hash: own.hash, specifier: own.specifier };
  }

  /**
   * Chooses the version of a child that is given as a definition: the one rooted at its module in
   * its parent's graph. It is registered, and shares the parent's loaded modules; it becomes
   * current only if its workflow has no current version.
   *
   * @param parentHash The version of the parent, which is loaded if necessary.
   * @param definition The default export of one of its modules.
   * @returns The version.
   * @throws {VersionNotFoundError} When no module of the parent exports it by default.
   * @throws {VersionUnavailableError} When the parent is unavailable.
   */
  async childVersion(parentHash: string, definition: WorkflowDefinition): Promise<VersionRef> {
    return await this.#children.start(await this.obtain(parentHash), definition);
  }

  /** The npm packages of a version that the archive lacks, and this process can add. */
  async #newPackages({ hash, content }: VerifiedManifest): Promise<NewPackages | null> {
    const { archive = true } = this.#options;
    const {
      packages = true,
      packageBytes: mostBytes = MOST_PACKAGE_BYTES,
      tarballs = this.signatures.keys !== undefined,
    } = typeof archive === "object" ? archive : { packages: archive };
    if (!packages || !hasPackages(content)) return null;
    const registry = tarballs ? await this.#sources.registry() : undefined;
    const known = await knownPackages(hash, this.#store);
    const lock = await this.#sources.lock();
    const read = await readPackages(content, lock, { mostBytes, registry }, known);
    const log = this.#options.log ?? LOGTAPE.version;
    for (const { specifier, reason } of read?.lacks ?? []) {
      log.warn(
        "the archive does not get {specifier}, which a version imports: {reason}; each image that " +
          "executes runs of that version must have it",
        { specifier, reason },
      );
    }
    for (const [name, reason] of read?.unfetched ?? []) {
      log.warn(
        "the archive does not get the archive file of {package}: {reason}; a process with " +
          "trust.keys must have the package in its image",
        { package: name, reason },
      );
    }
    return read;
  }

  async #loadOwn(graph: ModuleGraph, url: string, recorded: string): Promise<LoadedVersion> {
    const { native: isAllowed = false, loader: { timeoutMs = 10_000 } = {} } = this.#options;
    const read = () => this.#sources.read(url, false);
    const native = isAllowed
      ? await importNatively(graph, url, { application: this.#application, read, timeoutMs })
      : undefined;
    const { manifest, bytes, urls } = graph;
    const liveUrl = (label: string) => urls.get(label);
    const began = performance.now();
    const packages = await this.#sources.packages(manifest);
    const modules = native ?? await this.#loader.load({ manifest, bytes, liveUrl, packages });
    const { hash, content: { entry } } = manifest;
    const version = this.#version(hash, modules, native ? "native" : "url", recorded);
    this.#options.telemetry?.loaded(version.source, performance.now() - began);
    await this.#children.note(version, { manifest, bytes, url: urls.get(entry)! });
    return version;
  }

  async #obtain(hash: string, node: string | undefined): Promise<LoadedVersion> {
    const began = performance.now();
    const isKnown = this.#loaded.has(hash);
    const tell = (source: string, failure?: { readonly error: unknown }) =>
      isKnown || this.#options.telemetry?.loaded(source, performance.now() - began, failure);
    try {
      const version = await this.#obtainNow(hash, node);
      tell(version.source);
      return version;
    } catch (error) {
      tell("none", { error });
      if (
        isContinuumError(error, "VERSION_UNAVAILABLE") && error.details.kind !== "passing" &&
        node !== undefined
      ) {
        await this.#store.loaded(node, hash, noteOf(error));
        this.#noted.add(hash);
      }
      throw error;
    }
  }

  async #obtainNow(hash: string, node: string | undefined): Promise<LoadedVersion> {
    if (this.#refusalOf(hash) !== undefined) await this.#refuseDenied(hash);
    const loaded = this.#loaded.get(hash);
    if (loaded !== undefined) {
      await this.#forgetNote(hash, node);
      return loaded;
    }
    const failure = this.#failures.lasting(hash);
    if (failure !== undefined) throw failure;
    const row = await this.#store.get(hash);
    if (row === null) {
      throw refused(hash, "registry", "lasting", "UNREGISTERED", "no such version is registered");
    }
    await this.#refuseUntrusted(row);
    await this.#refuseDenied(hash, row.manifest);
    await this.demandSigned(row.hash, row.workflow);
    this.#refuseCrashed(hash, row.loadCrashes);
    const found = await this.#sources.find(row);
    if (Array.isArray(found)) throw loadFailure(hash, found);
    if (node !== undefined) {
      this.#refuseCrashed(hash, (await this.#store.loading(node, hash)).crashes);
    }
    const version = await this.#import(row, found);
    await this.#forgetNote(hash, node);
    this.#failures.forget(hash);
    this.#keep(version);
    return version;
  }

  async #forgetNote(hash: string, node: string | undefined): Promise<void> {
    if (node === undefined) return;
    await this.#store.loaded(node, hash, null);
    this.#noted.delete(hash);
  }

  async #import(row: VersionRow, found: FoundVersion): Promise<LoadedVersion> {
    const { hash } = row;
    try {
      const liveUrl = (label: string) => this.#sources.liveUrl(row, label);
      if (found.source === "url") {
        const { members } = found.manifest.content;
        const urls = members.map(({ label }) => [label, labelUrl(label, found.url)] as const);
        noteSources(hash, row.workflow, sourcesOf(new Map(urls)));
      }
      const packages = await found.packages?.();
      const { manifest, bytes } = found;
      const modules = await this.#loader.load({ manifest, bytes, liveUrl, packages });
      const version = this.#version(hash, modules, found.source, found.specifier);
      const { name } = version.definition;
      if (name !== row.workflow) {
        throw integrityMismatch("the registry's workflow name", row.workflow, name);
      }
      await this.#children.note(version, found);
      return version;
    } catch (error) {
      const reason = reasonOf(error, "import", found.specifier);
      if (!isContinuumError(error, "IMPORT_FAILED")) throw loadFailure(hash, [reason], error);
      throw this.#failures.note(hash, reason, error);
    }
  }

  #version(
    hash: string,
    modules: LoadedModules,
    source: LoadedSource,
    specifier: string,
  ): LoadedVersion {
    const definition = readDefinition(modules.entry, specifier);
    noteSources(hash, definition.name);
    this.#bytes += modules.bytes;
    return { hash, definition, source, specifier, modules: modules.members };
  }

  async #mayLoad(row: VersionRow): Promise<boolean> {
    if (this.trusts(row) || await this.#children.isPart(row, this.#own.workflows)) return true;
    // TRUST-6: if the name is served, parts of any version that a node registered itself count.
    return this.#own.workflows.has(row.workflow) && await this.#children.isPart(row, [undefined]);
  }

  #keep(version: LoadedVersion): void {
    if (this.#loaded.has(version.hash)) return;
    this.#loaded.set(version.hash, version);
    this.#counts[version.source]++;
  }

  /** DENIAL-2: another process may have taken back what this one knows. */
  async #refuseDenied(hash: string, manifest?: string): Promise<void> {
    if (this.#refusalOf(hash, manifest) === undefined) return;
    await this.denials.refresh();
    const refusal = this.#refusalOf(hash, manifest);
    if (refusal !== undefined) throw refusal;
  }

  #refusalOf(hash: string, manifest?: string): VersionUnavailableError | undefined {
    const because = (message: string) => refused(hash, "policy", "lasting", "DENIED", message);
    if (this.#trust.denies(hash)) return because("trust.deny of this node names it");
    const denial = this.denials.of(hash, manifest);
    if (denial === undefined) return undefined;
    const what = denial.sha256 === hash ? "it" : `its module of SHA-256 ${denial.sha256}`;
    return because(`an operator denied ${what}: ${denial.reason}`);
  }

  async #refuseUntrusted(row: VersionRow): Promise<void> {
    if (await this.#mayLoad(row)) return;
    const message = `this node serves no workflow ${quoteId(row.workflow)}, and trusts ` +
      `none of the specifiers ${row.specifiers.join(", ")}`;
    throw refused(row.hash, "policy", "node", "UNTRUSTED_VERSION", message);
  }

  #refuseCrashed(hash: string, crashes: number): void {
    if (crashes < MAX_CRASHES) return;
    const message = `${crashes} nodes died while they loaded it`;
    throw refused(hash, "import", "lasting", "LOAD_CRASHED", message);
  }
}

/** The file and http URLs of the members, by the path that these are executed under. */
function sourcesOf(urls: ReadonlyMap<string, string>): (readonly [string, string])[] {
  return [...urls].filter(([, url]) => /^(file|https?):/.test(url))
    .map(([label, url]) => [labelPath(label), normaliseUrl(url)] as const);
}

/** A failure with one reason. */
function refused(
  hash: string,
  source: SourceReason["source"],
  kind: FailureKind,
  code: string,
  message: string,
): VersionUnavailableError {
  return loadFailure(hash, [{ source, kind, code, message }]);
}

function noteOf(failure: ContinuumError<"VERSION_UNAVAILABLE">): StuckReason {
  const { code, message, details } = failure;
  return { code, message, details };
}
