/**
 * The workflows inside versions: definitions that a version's modules export, each of which is the
 * root of a version of its own. Their hashes are computed while the parent's bytes are in memory;
 * they are registered when one is started.
 *
 * - CHILD-1: a definition inside a version means one version, wherever the definition is passed to.
 * - CHILD-2: a child runs on the modules that its parent's version has loaded: nothing is loaded
 *   again.
 * - CHILD-3: registering a child version never replaces a workflow's current version.
 *
 * @module
 */

import { noteSources, sourceOf } from "../base/authored.ts";
import { sha256Hex } from "../base/encoding.ts";
import { isContinuumError } from "../base/errors.ts";
import { shortHash } from "../base/text.ts";
import type { NewPackages, VersionRow } from "../ports/rows.ts";
import type { VersionStore } from "../ports/store.ts";
import { WORKFLOW } from "../workflow/marks.ts";
import { emitOptions } from "./options/compiler.ts";
import { contractOf, readDefinition } from "./definition.ts";
import { labelPath } from "./manifest/label.ts";
import { VersionNotFoundError } from "./load_errors.ts";
import type { Namespace } from "./load/loader.ts";
import type { Member } from "./manifest/format.ts";
import { VerifiedManifest } from "./manifest/verified.ts";
import { type KnownImports, type Subversion, subversion } from "./graph/subversion.ts";
import type { LoadedVersion } from "./loaded_version.ts";
import type { VersionRef } from "../ports/version_ref.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";

/** The bytes of a version that was just loaded. */
export interface LoadedBytes {
  /** Its manifest. */
  readonly manifest: VerifiedManifest;
  /** Its members' bytes by SHA-256, verified. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** The URL of its root, if it is known. */
  readonly url: string;
}

/** The dependencies of child versions. */
export interface ChildVersionsOptions {
  /** The registry and the archive. */
  readonly store: VersionStore;
  /** Whether members' bytes are kept in the database. */
  readonly isArchiving: boolean;
  /** The npm packages of a version that the archive lacks, and this process can add. */
  readonly packages: (manifest: VerifiedManifest) => Promise<NewPackages | null>;
  /** The form in which the registry records a URL. */
  readonly record: (url: string) => string;
  /** Keeps a version in memory, if this process may execute it. */
  readonly keep: (version: LoadedVersion) => Promise<void>;
}

/** A workflow inside a version. */
interface Child {
  readonly version: LoadedVersion;
  /** Its manifest. */
  readonly manifest: VerifiedManifest;
}

type ChildrenOf = ReadonlyMap<WorkflowDefinition, Child>;

/** The workflows inside the versions of this process. */
export class ChildVersions {
  readonly #options: ChildVersionsOptions;
  readonly #children = new WeakMap<LoadedVersion, ChildrenOf>();
  /** Registrations by hash, of children that were started. */
  readonly #registered = new Map<string, Promise<void>>();

  /**
   * Starts empty.
   *
   * @param options The dependencies.
   */
  constructor(options: ChildVersionsOptions) {
    this.#options = options;
  }

  /**
   * Finds the workflows inside a version that was just loaded.
   *
   * @param parent The version.
   * @param loaded Its bytes, which are not kept.
   */
  async note(parent: LoadedVersion, loaded: LoadedBytes): Promise<void> {
    const labels = workflowsInside(parent);
    if (labels.size === 0) return;
    this.#registered.set(parent.hash, Promise.resolve());
    const known: KnownImports = new Map();
    const children = new Map<WorkflowDefinition, Child>([
      [parent.definition, { version: parent, manifest: loaded.manifest }],
    ]);
    for (const [definition, exporters] of labels) {
      const found = await versionInside(loaded, exporters, known);
      children.set(definition, this.#child(parent, definition, found));
    }
    // CHILD-1: versions compose: the workflows inside a child are workflows inside its parent.
    for (const { version } of children.values()) this.#children.set(version, children);
  }

  /**
   * The version of a definition inside a version, registered.
   *
   * @param parent The version.
   * @param definition The definition.
   * @returns The version rooted at the module that exports it.
   * @throws {VersionNotFoundError} When no module of the parent exports it.
   * @throws {LoadError} (`NOT_A_WORKFLOW`) When the definition is for a newer engine.
   */
  async start(parent: LoadedVersion, definition: WorkflowDefinition): Promise<VersionRef> {
    if (parent.definition === definition) return startOf(parent);
    const child = this.#children.get(parent)?.get(definition);
    if (child === undefined) {
      throw new VersionNotFoundError(
        definition.name,
        "start a child by its definition",
        `no module of version ${
          shortHash(parent.hash)
        } exports it by default, wanted it imported in ` +
          "the workflow module from a module whose default export it is",
      );
    }
    const { hash } = child.version;
    let registered = this.#registered.get(hash);
    if (registered === undefined) {
      registered = this.#register(child);
      this.#registered.set(hash, registered);
    }
    try {
      await registered;
    } catch (error) {
      this.#registered.delete(hash);
      throw error;
    }
    return startOf(child.version);
  }

  /**
   * Forgets that a child version is registered: its next start registers it again.
   *
   * @param hash The version.
   */
  forget(hash: string): void {
    this.#registered.delete(hash);
  }

  /**
   * Whether a version consists of parts of versions of some workflows that nodes registered
   * themselves: a node that may run these may run it.
   *
   * @param row The version.
   * @param workflows The names of the workflows; `undefined` among them stands for all workflows.
   * @returns Whether such a version of one of them contains all of it.
   */
  async isPart(
    row: Pick<VersionRow, "hash" | "manifest">,
    workflows: Iterable<string | undefined>,
  ): Promise<boolean> {
    const parts = partsOf(row);
    if (parts === undefined) return false;
    for (const workflow of workflows) {
      for (const whole of await this.#options.store.list(workflow)) {
        if (!whole.isOwnRight) continue;
        const all = partsOf(whole);
        if (all !== undefined && parts.isSubsetOf(all)) return true;
      }
    }
    return false;
  }

  #child(parent: LoadedVersion, definition: WorkflowDefinition, found: Subversion): Child {
    const manifest = VerifiedManifest.of(found.manifest);
    const modules = new Map<string, Namespace>();
    for (const [theirs, own] of found.labels) {
      const namespace = parent.modules.get(theirs);
      if (namespace !== undefined) modules.set(own, namespace);
    }
    const { hash } = manifest;
    noteSources(
      hash,
      definition.name,
      [...found.labels].flatMap(([theirs, own]) => {
        const url = sourceOf(parent.hash, labelPath(theirs));
        return url === undefined ? [] : [[labelPath(own), url] as const];
      }),
    );
    const version: LoadedVersion = {
      hash,
      definition,
      source: parent.source,
      specifier: this.#options.record(withCredentials(found.url, parent.specifier)),
      modules,
    };
    return { version, manifest };
  }

  async #register({ version, manifest }: Child): Promise<void> {
    const { hash, specifier, modules } = version;
    const { entry, members } = manifest.content;
    const definition = readDefinition(modules.get(entry)!, specifier);
    const { name: workflow, version: label } = definition;
    await this.#options.store.register({
      hash,
      workflow,
      label,
      manifest: manifest.text,
      contract: contractOf(definition),
      specifier,
      blobs: await this.#archived(members),
      packages: await this.#options.packages(manifest),
      isPart: true, // CHILD-3
    });
    await this.#options.keep(version); // CHILD-2
  }

  /** The bytes that were archived with the parent; `null` when some are missing. */
  async #archived(
    members: readonly Member[],
  ): Promise<ReadonlyMap<string, Uint8Array> | null> {
    if (!this.#options.isArchiving) return null;
    const wanted = [...new Set(members.map(({ sha256 }) => sha256))];
    const found = await this.#options.store.blobs(wanted);
    const isSound = (sha256: string) => {
      const bytes = found.get(sha256);
      return bytes !== undefined && sha256Hex(bytes) === sha256;
    };
    return wanted.every(isSound) ? found : null;
  }
}

/**
 * Finds the workflows inside a version.
 *
 * @param version The version, loaded.
 * @returns By definition, the labels of the modules that export it by default; without its own.
 */
export function workflowsInside(
  { definition, modules }: Pick<LoadedVersion, "modules"> & { readonly definition: unknown },
): ReadonlyMap<WorkflowDefinition, readonly string[]> {
  const labels = new Map<WorkflowDefinition, string[]>();
  for (const [label, { default: found }] of modules) {
    if (typeof found !== "object" || found === null || !(WORKFLOW in found)) continue;
    const inside = found as WorkflowDefinition;
    labels.set(inside, [...labels.get(inside) ?? [], label]);
  }
  labels.delete(definition as WorkflowDefinition);
  return labels;
}

/**
 * Makes the version of a workflow inside a version.
 *
 * @param whole The bytes of the version that contains it.
 * @param exporters The labels of the modules that export it by default.
 * @param known Imports of members that are already known; this call adds to them.
 * @returns The version rooted at the module that defines it.
 */
export async function versionInside(
  whole: LoadedBytes,
  exporters: readonly string[],
  known: KnownImports,
): Promise<Subversion> {
  const roots: Subversion[] = [];
  for (const label of exporters) roots.push(await subversion(whole, label, known));
  return definingOne(roots, exporters);
}

function startOf({ definition, hash, specifier }: LoadedVersion): VersionRef {
  return { workflow: definition.name, hash, specifier };
}

/**
 * Of several modules with one default export, the one that defines it: it imports it from none of
 * the others. If there are several, the choice depends on the graph alone.
 */
function definingOne(roots: readonly Subversion[], exporters: readonly string[]): Subversion {
  const definers = roots.filter(({ imports }) => exporters.every((label) => !imports.has(label)));
  const [first, ...others] = definers.length > 0 ? definers : roots;
  return others.reduce((best, other) => {
    const size = other.labels.size - best.labels.size;
    return size < 0 || size === 0 && other.url < best.url ? other : best;
  }, first!);
}

/** Adds a specifier's credentials to a URL of the same host; labels never contain them. */
function withCredentials(url: string, specifier: string): string {
  if (!URL.canParse(specifier)) return url;
  const { username, password, host } = new URL(specifier);
  const target = new URL(url);
  if (target.host !== host) return url;
  target.username = username;
  target.password = password;
  return target.href;
}

/** The parts of a version, without labels; `undefined` when its row is damaged. */
function partsOf(
  { hash, manifest }: Pick<VersionRow, "hash" | "manifest">,
): ReadonlySet<string> | undefined {
  let verified: VerifiedManifest;
  try {
    verified = VerifiedManifest.verify(manifest, hash, "the registry's manifest");
  } catch (error) {
    if (isContinuumError(error, "INTEGRITY_MISMATCH")) return undefined;
    throw error;
  }
  const { index, content: { members, externals } } = verified;
  return new Set([
    ...members.map(({ label, sha256, media }) => {
      const options = emitOptions(Object.fromEntries(index.options(label)), new Set([media]));
      return JSON.stringify([sha256, media, ...options]);
    }),
    ...externals.map(({ specifier, integrity }) => `${specifier} ${integrity}`),
  ]);
}
