/**
 * An index of a manifest: the look-ups that a loader makes for every import.
 *
 * @module
 */

import { recordedSpecifier, resolveLabel } from "./label.ts";
import {
  type EdgeTarget,
  type ImportType,
  importTypeOf,
  isImportType,
  type Manifest,
  type Member,
} from "./format.ts";

/** The member that an import leads to, or another recorded target. */
export type ResolvedImport =
  | { readonly kind: "member"; readonly member: Member }
  | Exclude<EdgeTarget, { readonly kind: "member" }>;

/** Look-ups in one manifest; immutable. */
export class ManifestIndex {
  /** The indexed content. */
  readonly manifest: Manifest;
  readonly #members = new Map<string, Map<ImportType, Member>>();
  readonly #edges = new Map<string, Map<string, EdgeTarget>>();
  readonly #shared = new Map<string, string>();
  readonly #options = new Map<string, Map<string, string>>();

  /**
   * Indexes a manifest.
   *
   * @param manifest The manifest to index.
   */
  constructor(manifest: Manifest) {
    this.manifest = manifest;
    for (const member of manifest.members) {
      inner(this.#members, member.label).set(importTypeOf(member.media), member);
    }
    for (const { from, specifier, target } of manifest.edges) {
      inner(this.#edges, from).set(specifier, target);
    }
    for (const [key, value, label] of manifest.options) {
      (label === undefined ? this.#shared : inner(this.#options, label)).set(key, value);
    }
  }

  /**
   * Finds a pinned module.
   *
   * @param label Its label.
   * @param type The type with which it is imported; `module` by default.
   * @returns The member; `undefined` when the manifest has none.
   */
  member(label: string, type: ImportType = "module"): Member | undefined {
    return this.#members.get(label)?.get(type);
  }

  /**
   * The compiler options of a module.
   *
   * @param label Its label.
   * @returns The options by name.
   */
  options(label: string): ReadonlyMap<string, string> {
    const own = this.#options.get(label);
    return own === undefined ? this.#shared : new Map([...this.#shared, ...own]);
  }

  /** The root: the member of the entry label, which is a module unless it can only be data. */
  get entry(): Member {
    const found = this.#members.get(this.manifest.entry);
    const member = found?.get("module") ?? found?.values().next().value;
    if (member === undefined) throw new TypeError("Cannot find the entry of an unchecked manifest");
    return member;
  }

  /**
   * Resolves an import as it was recorded: the importer's edges first, then plainly relative
   * against the labels of members. Never uses an import map, a lock or the network.
   *
   * @param from The label of the importing member.
   * @param specifier The specifier as written in the source.
   * @param attributes Its import attributes; only `type` counts.
   * @returns What it leads to; `undefined` when the manifest does not list it.
   */
  resolve(
    from: string,
    specifier: string,
    attributes: Readonly<Record<string, string>> = {},
  ): ResolvedImport | undefined {
    const edge = this.#edges.get(from)?.get(recordedSpecifier(specifier));
    if (edge !== undefined && edge.kind !== "member") return edge;
    const label = edge?.label ?? resolveLabel(from, specifier);
    if (label === undefined) return undefined;
    const type = attributes["type"] ?? "module";
    const member = isImportType(type) ? this.member(label, type) : undefined;
    return member === undefined ? undefined : { kind: "member", member };
  }
}

function inner<K, V>(map: Map<string, Map<K, V>>, key: string): Map<K, V> {
  let found = map.get(key);
  if (found === undefined) map.set(key, found = new Map());
  return found;
}
