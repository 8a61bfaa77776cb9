/**
 * The version rooted at a module inside another version's graph. It equals the version that reading
 * the graph of that module produces, but is made from pinned bytes and recorded edges alone.
 *
 * A manifest does not list plainly relative imports, and with other labels other imports are plain.
 * So the imports are read from the members' sources, and resolved with the manifest.
 *
 * @module
 */

import { quoteId } from "../../base/describe.ts";
import { emitOptions, optionLines } from "../options/compiler.ts";
import {
  labelOf,
  labelUrl,
  recordedSpecifier,
  resolveLabel,
  standInRoot,
} from "../manifest/label.ts";
import {
  type Edge,
  type EdgeTarget,
  importTypeOf,
  type Manifest,
  type Member,
} from "../manifest/format.ts";
import type { ManifestIndex, ResolvedImport } from "../manifest/resolved_imports.ts";
import type { VerifiedManifest } from "../manifest/verified.ts";
import { decodeSource, scanModule } from "../imports/scan.ts";
import { GraphError } from "../errors.ts";
import { unpinnedImport } from "../load_errors.ts";

/** A version whose bytes are in memory. */
export interface PinnedVersion {
  /** Its manifest. */
  readonly manifest: VerifiedManifest;
  /** Its members' bytes by SHA-256, verified. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /**
   * The URL of its root after redirects: it names the folders for which labels only have `../`.
   * If labels contradict it, nameless folders are used instead.
   */
  readonly url: string;
}

/** A version rooted inside another one. */
export interface Subversion {
  /** The content of its manifest. */
  readonly manifest: Manifest;
  /** The URL of its root. */
  readonly url: string;
  /** The label of each of its members, by the label that the other version has for it. */
  readonly labels: ReadonlyMap<string, string>;
  /** The members that its root imports, by the label that the other version has for them. */
  readonly imports: ReadonlySet<string>;
}

/** What a member imports. */
export interface MemberImports {
  /** Where each specifier leads, under its recorded form. */
  readonly targets: ReadonlyMap<string, ResolvedImport>;
  /**
   * The members among these; one specifier leads to several when requested with several types.
   */
  readonly members: readonly Member[];
}

/** The imports of members, shared by all versions that are rooted in one version. */
export type KnownImports = Map<string, MemberImports>;

/**
 * Makes the manifest of all modules that one module of a version reaches, labelled from that
 * module.
 *
 * @param version The version.
 * @param label The label of the module that becomes the root.
 * @param known Imports of the version's members that are already known; this call adds to them.
 * @returns The version rooted there.
 * @throws {GraphError} (`MANIFEST_INVALID`) When the version has no module of that label.
 * @throws {LoadError} (`UNPINNED_IMPORT`) When a module has an import that the version's manifest
 * does not list.
 */
export async function subversion(
  version: PinnedVersion,
  label: string,
  known: KnownImports = new Map(),
): Promise<Subversion> {
  const { manifest: { index, content: whole }, bytes } = version;
  const root = index.member(label);
  if (root === undefined) {
    throw new GraphError(
      "MANIFEST_INVALID",
      `Cannot root a version at ${quoteId(label)}: found no such module in its manifest`,
      { details: {} },
    );
  }
  const urls = urlsOf(whole, version.url);
  const rootUrl = urls.get(label)!;
  const own = new Map<string, string>();
  const rebased = (label: string): string => {
    const name = own.get(label) ?? labelOf(urls.get(label)!, rootUrl);
    own.set(label, name);
    return name;
  };
  const integrities = new Map(whole.externals.map((e) => [e.specifier, e.integrity]));

  const reached = new Set([root]);
  const imports = new Set<string>();
  const edges: Edge[] = [];
  const externals = new Set<string>();
  const live = new Set<string>();
  for (const member of reached) {
    const from = rebased(member.label);
    const key = `${importTypeOf(member.media)} ${member.label}`;
    const found = known.get(key) ??
      await importsOf(index, member, bytes.get(member.sha256)!);
    known.set(key, found);
    for (const next of found.members) {
      reached.add(next);
      if (member === root) imports.add(next.label);
    }
    for (const [specifier, resolved] of found.targets) {
      const target = targetOf(resolved, rebased);
      if (target.kind === "external") externals.add(target.specifier);
      if (target.kind === "live") live.add(target.label);
      const isPlain = target.kind === "member" && resolveLabel(from, specifier) === target.label;
      if (!isPlain) edges.push({ from, specifier, target });
    }
  }
  const members = [...reached].map((member) => ({ ...member, label: rebased(member.label) }));
  const optioned = [...reached].map(({ label, media }) => {
    const options = emitOptions(Object.fromEntries(index.options(label)), new Set([media]));
    return { label: rebased(label), media, options };
  });
  return {
    manifest: {
      version: 1,
      entry: rebased(label),
      members,
      edges,
      externals: [...externals].map((specifier) => ({
        specifier,
        integrity: integrities.get(specifier) ?? null,
      })),
      live: [...live],
      options: optionLines(optioned),
    },
    url: rootUrl,
    labels: new Map([...reached].map((member) => [member.label, rebased(member.label)])),
    imports,
  };
}

/** The URL of every label, chosen so that each URL would get the same label again. */
function urlsOf({ members, live }: Manifest, root: string): Map<string, string> {
  const labels = [...members.map((member) => member.label), ...live];
  const isConsistent = URL.canParse(root) &&
    labels.every((label) => labelOf(labelUrl(label, root), root) === label);
  const base = isConsistent ? root : standInRoot(labels);
  return new Map(labels.map((label) => [label, labelUrl(label, base)]));
}

/**
 * As when a graph is read: if the lexer reports an import that can't be resolved, a parser decides.
 */
async function importsOf(
  index: ManifestIndex,
  member: Member,
  bytes: Uint8Array,
  isThorough = false,
): Promise<MemberImports> {
  const { label, media } = member;
  const module = { url: label, media, bytes, source: decodeSource(media, bytes) };
  const targets = new Map<string, ResolvedImport>();
  const members: Member[] = [];
  const { imports, isParsed } = await scanModule(module, index.options(label), isThorough);
  for (const { specifier, type, isDynamic } of imports) {
    if (specifier === undefined) continue;
    const resolved = index.resolve(label, specifier, type === undefined ? {} : { type });
    if (!isDynamic && (resolved === undefined || resolved.kind === "missing")) {
      if (isParsed) throw unpinnedImport(label, specifier);
      return await importsOf(index, member, bytes, true);
    }
    // Not listed with this type, but with another: the manifest lists the one that can be loaded.
    if (resolved === undefined) continue;
    targets.set(recordedSpecifier(specifier), resolved);
    if (resolved.kind === "member") members.push(resolved.member);
  }
  return { targets, members };
}

function targetOf(resolved: ResolvedImport, rebased: (label: string) => string): EdgeTarget {
  switch (resolved.kind) {
    case "member":
      return { kind: "member", label: rebased(resolved.member.label) };
    case "live":
      return { kind: "live", label: rebased(resolved.label) };
    case "external":
    case "host":
    case "missing":
      return resolved;
  }
}
