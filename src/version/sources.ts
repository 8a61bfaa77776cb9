/**
 * The sources of the bytes of versions: modules as they are now, modules as they were pinned, and
 * the archive. Nothing here executes any of them.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import { sha256Hex } from "../base/encoding.ts";
import type { VersionRow } from "../ports/rows.ts";
import type { VersionStore } from "../ports/store.ts";
import type { Application } from "./project/application.ts";
import { JSR_REGISTRY } from "./project/jsr_registry.ts";
import { GraphFetcher } from "./fetch/graph_fetcher.ts";
import type { ModuleGraph } from "./graph/read.ts";
import type { Member } from "./manifest/format.ts";
import { isRelative, labelUrl } from "./manifest/label.ts";
import { integrityMismatch, notArchived, type SourceReason } from "./load_errors.ts";
import { reasonOf } from "./load/reasons.ts";
import { readLock } from "./locked_packages.ts";
import { NpmRegistry } from "./packages/npm_registry.ts";
import { type PackageArchive, VersionPackages } from "./packages/version_packages.ts";
import type { Lockfile } from "./project/lockfile.ts";
import { parsePackageSpecifier } from "./manifest/package_specifier.ts";
import { VerifiedManifest } from "./manifest/verified.ts";
import { fetchPinned } from "./fetch/pinned.ts";
import { liveModules, readModules, type ReadModulesOptions } from "./read_modules.ts";
import type { Trust } from "./fetch/trust.ts";

/** How modules are read. */
export interface SourcesOptions extends ReadModulesOptions {
  /** The registry and the archive. */
  readonly store: VersionStore;
}

/** A version's manifest and bytes, not yet loaded. */
export interface FoundVersion {
  /** Its manifest. */
  readonly manifest: VerifiedManifest;
  /** Members' bytes by SHA-256. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** The source. */
  readonly source: "url" | "archive";
  /** The specifier that they were found under, or that is known for them. */
  readonly specifier: string;
  /** The URL of the root; for the archive, the one that follows from the specifier. */
  readonly url: string;
  /** Finds out where its npm packages come from; the runtime alone has them when omitted. */
  readonly packages?: () => Promise<VersionPackages>;
}

/** Where a version's bytes are. */
export interface ExaminedVersion {
  /** Its manifest; `null`: the registry's is damaged. */
  readonly manifest: VerifiedManifest | null;
  /** Where each member's bytes are; `null`: no source has them. */
  readonly members: readonly {
    readonly member: Member;
    readonly from: "archive" | "url" | null;
  }[];
  /** Why sources don't have it; empty if it was found. */
  readonly reasons: readonly SourceReason[];
  /** Its bytes, verified; `null`: no source has all of them. */
  readonly found: FoundVersion | null;
}

/** Milliseconds that a URL has to answer if the archive can be used instead. */
const ARCHIVED_REQUEST_MS = 5_000;

/** Reads modules, and finds the bytes of versions. */
export class Sources {
  readonly #options: SourcesOptions;
  readonly #application: Application;
  readonly #trust: Trust;
  readonly #live: ReadonlySet<string>;
  readonly #requiresSignatures: boolean;

  /**
   * Makes the sources; nothing is read yet.
   *
   * @param options How modules are read.
   * @param application The application that runs here.
   * @param trust Which modules may be read.
   * @param requiresSignatures Whether versions need signatures; then an archived package is executed
   *   only if the signed hash covers its bytes (PACKAGELIST-2). Default false.
   */
  constructor(
    options: SourcesOptions,
    application: Application,
    trust: Trust,
    requiresSignatures = false,
  ) {
    this.#requiresSignatures = requiresSignatures;
    this.#options = options;
    this.#application = application;
    this.#trust = trust;
    this.#live = liveModules(options, application);
  }

  /**
   * Reads a module graph as it is now.
   *
   * @param url The root, as {@linkcode Application.resolve} gives it.
   * @param isVouched Whether the wanted graph is known and trusted by its hash.
   * @returns The graph.
   */
  async read(url: string, isVouched: boolean): Promise<ModuleGraph> {
    const scope = this.#trust.scope(url, isVouched);
    return await readModules(url, scope, this.#application, this.#options);
  }

  /**
   * Finds the bytes of a version: at each specifier that it is known under, then in the archive.
   *
   * @param row The registry's row, which may be damaged.
   * @param store The archive; that of this process when omitted.
   * @returns The bytes, verified; or a reason for each source that does not have them.
   * @throws {QueryTimeoutError} When the archive has a limit, and takes longer.
   */
  async find(
    row: VersionRow,
    store: VersionStore = this.#options.store,
  ): Promise<FoundVersion | SourceReason[]> {
    const reasons: SourceReason[] = [];
    let manifest: VerifiedManifest | undefined;
    try {
      manifest = verifiedOf(row);
    } catch (error) {
      reasons.push(reasonOf(error, "registry"));
    }
    for (const specifier of row.specifiers) {
      try {
        const fetched = await this.#fetch(row, manifest, specifier);
        const packages = () => this.packages(fetched.manifest, store);
        return { ...fetched, source: "url", specifier, packages };
      } catch (error) {
        reasons.push(reasonOf(error, "url", specifier));
      }
    }
    if (manifest === undefined) return reasons;
    try {
      this.#checkArchived(row, manifest);
      const bytes = await this.#unarchive(row, manifest, store);
      const specifier = row.specifiers[0] ?? "";
      const url = this.#assumedUrl(specifier);
      const packages = () => this.packages(manifest!, store);
      return { manifest, bytes, source: "archive", specifier, url, packages };
    } catch (error) {
      if (isContinuumError(error, "QUERY_TIMEOUT")) throw error;
      return [...reasons, reasonOf(error, "archive")];
    }
  }

  /**
   * Finds the bytes of a version for people and for processes without permissions: the archive is
   * asked first, and its bytes need no trust, since nothing of them runs in this process.
   *
   * @param row The registry's row, which may be damaged.
   * @param store The archive.
   * @returns The bytes, verified; or why no source has them.
   * @throws {QueryTimeoutError} When the archive has a limit, and takes longer.
   */
  async inspect(row: VersionRow, store: VersionStore): Promise<FoundVersion | SourceReason[]> {
    try {
      const manifest = verifiedOf(row);
      const bytes = await this.#unarchive(row, manifest, store);
      const specifier = row.specifiers[0] ?? "";
      const url = this.#assumedUrl(specifier);
      const packages = () => this.packages(manifest, store);
      return { manifest, bytes, source: "archive", specifier, url, packages };
    } catch (error) {
      if (isContinuumError(error, "QUERY_TIMEOUT")) throw error;
      return await this.find(row, store);
    }
  }

  /**
   * Examines where the bytes of a version are. The archive is asked first; if it does not have all,
   * the specifiers are fetched. Nothing of the version runs.
   *
   * @param row The registry's row, which may be damaged.
   * @param store The archive.
   * @returns The source of each member, and the reasons of the sources that don't have them.
   */
  async examine(row: VersionRow, store: VersionStore): Promise<ExaminedVersion> {
    let manifest: VerifiedManifest;
    try {
      manifest = verifiedOf(row);
    } catch (error) {
      return { manifest: null, members: [], reasons: [reasonOf(error, "registry")], found: null };
    }
    const { content: { members } } = manifest;
    const bytes = await store.blobs([...new Set(members.map((m) => m.sha256))]);
    const isSound = ({ sha256 }: Member) => {
      const body = bytes.get(sha256);
      return body !== undefined && sha256Hex(body) === sha256;
    };
    const isWhole = members.every(isSound);
    const found = isWhole ? await this.inspect(row, store) : await this.find(row, store);
    const reasons = Array.isArray(found) ? found : [];
    return {
      manifest,
      members: members.map((member) => ({
        member,
        from: isSound(member) ? "archive" : Array.isArray(found) ? null : "url",
      })),
      reasons,
      found: Array.isArray(found) ? null : found,
    };
  }

  async #fetch(
    row: VersionRow,
    manifest: VerifiedManifest | undefined,
    specifier: string,
  ): Promise<Pick<FoundVersion, "manifest" | "bytes" | "url">> {
    const url = this.#application.resolve(specifier);
    if (manifest !== undefined) {
      const scope = this.#trust.scope(url, true);
      const { fetch, limits } = this.#options;
      // A URL that does not answer must not delay the archive.
      const requestMs = row.archived ? ARCHIVED_REQUEST_MS : undefined;
      const fetcher = new GraphFetcher(scope, fetch, {
        ...(requestMs === undefined ? {} : { requestMs, totalMs: 4 * requestMs }),
        ...limits,
      });
      return { manifest, ...await fetchPinned(url, manifest.index, scope, fetcher) };
    }
    // The registry's manifest is damaged: reading the graph again may give the right one.
    const graph = await this.read(url, true);
    const { hash, content } = graph.manifest;
    if (hash !== row.hash) throw integrityMismatch(url, hash, row.hash);
    const { bytes, urls } = graph;
    return { manifest: graph.manifest, bytes, url: urls.get(content.entry)! };
  }

  /**
   * The root's URL by its specifier. For `jsr:` a guess: only the registry knows it, and is not
   * asked.
   */
  #assumedUrl(specifier: string): string {
    const url = this.#application.tryResolve(specifier) ?? "";
    const parts = url.startsWith("jsr:") ? parsePackageSpecifier(url) : undefined;
    if (parts === undefined) return url;
    return new URL(`${JSR_REGISTRY}${parts.name}/${parts.range}${parts.path || "/mod.ts"}`).href;
  }

  /** TRUST-6: a member that would be refused from its URL is refused from the archive too. */
  #checkArchived({ specifiers }: VersionRow, { content }: VerifiedManifest): void {
    // Relative labels are on the root's origin.
    const labels = content.members.map(({ label }) => label).filter((label) => !isRelative(label));
    let refusal: unknown;
    for (const specifier of specifiers) {
      const root = this.#application.tryResolve(specifier);
      if (root === undefined) continue;
      const scope = this.#trust.scope(root, true);
      try {
        for (const label of labels) scope.check(label, this.#assumedUrl(specifier));
        return;
      } catch (error) {
        refusal ??= error;
      }
    }
    if (refusal !== undefined) throw refusal;
  }

  async #unarchive(
    row: VersionRow,
    { content }: VerifiedManifest,
    store: VersionStore,
  ): Promise<Map<string, Uint8Array>> {
    const wanted = [...new Set(content.members.map(({ sha256 }) => sha256))];
    const bytes = await store.blobs(wanted);
    for (const { label, sha256 } of content.members) {
      const body = bytes.get(sha256);
      const digest = body && sha256Hex(body);
      if (digest === sha256) continue;
      if (body === undefined && !row.archived) throw notArchived(label, row.collectedAt);
      throw integrityMismatch(`the archived bytes of ${label}`, digest, sha256);
    }
    return bytes;
  }

  /**
   * Finds out where the npm packages of a version come from. Nothing of them is executed.
   *
   * @param manifest The version's manifest.
   * @param store The archive; that of this process when omitted.
   * @returns The packages.
   * @throws {GraphError} (`CONFIG_INVALID`) When a config file or the lock can't be read.
   */
  async packages(
    { hash, content }: VerifiedManifest,
    store: VersionStore = this.#options.store,
  ): Promise<VersionPackages> {
    const isPinned = content.externals.some(({ integrity }) => integrity !== null);
    const archive: PackageArchive = {
      isTrusted: !this.#requiresSignatures,
      list: () => store.packages(hash),
      blobs: (sha256) => store.blobs(sha256),
    };
    return await VersionPackages.of(content, isPinned ? await this.lock() : undefined, archive);
  }

  /** The registry from which the application's npm packages come. */
  registry(): Promise<NpmRegistry> {
    return NpmRegistry.of(this.#application.root);
  }

  /**
   * The lock of the application.
   *
   * @returns The lock; `undefined`: it has none.
   * @throws {GraphError} (`CONFIG_INVALID`) When a config file or the lock can't be read.
   */
  lock(): Promise<Lockfile | undefined> {
    return readLock(this.#application, this.#options.config);
  }

  /**
   * Finds the application's own module for a live label, whatever URL the version was first read
   * from.
   *
   * @param row The registry's row.
   * @param label The label.
   * @returns Its URL; `undefined` when no module of the `live` option matches.
   */
  liveUrl(row: VersionRow, label: string): string | undefined {
    return row.specifiers.map((specifier) => this.#application.tryResolve(specifier))
      .filter((url) => url !== undefined && !url.startsWith("jsr:"))
      .map((url) => labelUrl(label, url!))
      .find((url) => this.#live.has(url));
  }
}

function verifiedOf({ hash, manifest }: VersionRow): VerifiedManifest {
  return VerifiedManifest.verify(manifest, hash, "the registry's manifest");
}
