/**
 * The version rooted at a module inside another version's graph: the same that reading the graph of
 * that module gives, made from pinned bytes and recorded edges alone.
 *
 * A manifest does not list plainly relative imports, and other labels make others plain; so the
 * members' sources are asked what they import, and the manifest where that leads.
 *
 * @module
 */

import { emitOptions, optionLines } from "../options/compiler.ts";
import { ManifestError } from "../errors.ts";
import {
  labelOf,
  labelUrl,
  recordedSpecifier,
  resolveLabel,
  standInRoot,
} from "../manifest/label.ts";
import { UnpinnedImportError } from "../load_errors.ts";
import {
  type Edge,
  type EdgeTarget,
  importTypeOf,
  type Manifest,
  type Member,
} from "../manifest/format.ts";
import { ManifestIndex, type ResolvedImport } from "../manifest/resolved_imports.ts";
import { decodeSource, scanModule } from "../imports/scan.ts";

/** A version whose bytes are at hand. */
export interface PinnedVersion {
  /** What it is made of. */
  readonly manifest: Manifest;
  /** Its members' bytes by SHA-256, verified. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /**
   * The URL of its root, redirects followed: it names the folders that labels with `../` only
   * count. Labels that contradict it are taken to lie in folders without names.
   */
  readonly url: string;
}

/** A version rooted inside another one. */
export interface Subversion {
  /** What it is made of. */
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
  /** The members among these; one specifier leads to several when asked for with several types. */
  readonly members: readonly Member[];
}

/** What members of one version import: versions rooted in it have many of them in common. */
export type KnownImports = Map<string, MemberImports>;

/**
 * Makes the manifest of what one module of a version reaches, labelled from that module.
 *
 * @param version The version.
 * @param label The label of the module in it, which is to be the root.
 * @param known What is known of the version's members; more of it becomes known by this.
 * @returns The version rooted there.
 * @throws {ManifestError} When the version has no module of that label.
 * @throws {UnpinnedImportError} When a module imports what the version's manifest does not list.
 */
export async function subversion(
  version: PinnedVersion,
  label: string,
  known: KnownImports = new Map(),
): Promise<Subversion> {
  const { manifest: whole, bytes } = version;
  const index = new ManifestIndex(whole);
  const root = index.member(label);
  if (root === undefined) {
    throw new ManifestError(
      `Cannot root a version at ${JSON.stringify(label)}: found no such module in its manifest`,
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

/** The URL of every label, such that it would be given that label again. */
function urlsOf({ members, live }: Manifest, root: string): Map<string, string> {
  const labels = [...members.map((member) => member.label), ...live];
  const isTold = URL.canParse(root) &&
    labels.every((label) => labelOf(labelUrl(label, root), root) === label);
  const base = isTold ? root : standInRoot(labels);
  return new Map(labels.map((label) => [label, labelUrl(label, base)]));
}

/** As when a graph is read: where the lexer tells of an import that can't be, a parser decides. */
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
      if (isParsed) throw new UnpinnedImportError(label, specifier);
      return await importsOf(index, member, bytes, true);
    }
    // Not listed with this type, but with another: what can be loaded counts.
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
