/**
 * The manifest: the content of a version, as one canonical text whose SHA-256 is the
 * `version_hash`. `docs/version-hash.md` specifies the format for other implementations.
 *
 * Invariants of a manifest, checked when it is written and when it is read:
 * - MANIFEST-1: `formatManifest(parseManifest(text)) === text`: one text for one content.
 * - MANIFEST-2: the entry is a member; a label is a member or live, never both.
 * - MANIFEST-3: a label has at most one member of each {@linkcode ImportType}.
 * - MANIFEST-4: every edge starts at a member, and ends at a listed member, external or live label;
 *   an origin and specifier have one edge.
 * - MANIFEST-5: an option applies to every module, or to members that are compiled, never to both.
 * - MANIFEST-6: every text is well-formed Unicode, and only an option's value may be empty.
 *
 * @module
 */

import { describe, quote, quoteId } from "../../base/describe.ts";
import { decodeWord, encodeWord, isSha256Hex, sha256Hex } from "../../base/encoding.ts";
import { GraphError } from "../errors.ts";

/**
 * The media type of a member: `.mjs` is `js` and `.mts` is `ts`; `text` and `bytes` only by import
 * attribute.
 *
 * @category Versions
 */
export type MediaType = "js" | "jsx" | "ts" | "tsx" | "json" | "text" | "bytes" | "wasm";

/**
 * The type that an import requests: its `type` attribute, `module` without one. Imports can request
 * one label with several types (a JSON file as `json` and as `text`), each a member of its own.
 */
export type ImportType = "module" | "json" | "text" | "bytes";

/** One pinned module. */
export interface Member {
  /** `./x.ts`, `../x.ts` from the root's folder, or an absolute URL without credentials. */
  readonly label: string;
  /** The SHA-256 of its bytes as served: 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** How its bytes are read. */
  readonly media: MediaType;
}

/** Where an import leads. */
export type EdgeTarget =
  | { readonly kind: "member"; readonly label: string }
  | { readonly kind: "external"; readonly specifier: string }
  | { readonly kind: "live"; readonly label: string }
  | { readonly kind: "host" }
  | { readonly kind: "missing" };

/** An import that can't be resolved from its specifier and the importer's label alone. */
export interface Edge {
  /** The label of the importing member. */
  readonly from: string;
  /** The specifier as requested, credentials removed. */
  readonly specifier: string;
  /** What it leads to. */
  readonly target: EdgeTarget;
}

/** A package or builtin that is imported from its registry or the runtime. */
export interface External {
  /** `npm:name@1.2.3/path`, `jsr:@scope/name@1.2.3/path` or `node:fs`. */
  readonly specifier: string;
  /**
   * Over its dependency closure in the lock; `null` for builtins and packages without a lock entry.
   */
  readonly integrity: string | null;
}

/** The content of a manifest. The order of its arrays has no meaning; `parseManifest` sorts. */
export interface Manifest {
  /** The version of the format. */
  readonly version: 1;
  /** The label of the root. */
  readonly entry: string;
  /** Every pinned module. */
  readonly members: readonly Member[];
  /** Every import that is not plainly relative. */
  readonly edges: readonly Edge[];
  /** Every package and builtin. */
  readonly externals: readonly External[];
  /** The labels of modules that are bound to the running application. */
  readonly live: readonly string[];
  /** Compiler options that change emitted code. */
  readonly options: readonly ManifestOption[];
}

/** A compiler option: of every module, or of the one whose label is its last element. */
export type ManifestOption =
  | readonly [key: string, value: string]
  | readonly [key: string, value: string, label: string];

const HEADER = "continuum-manifest 1";
const MEDIA: readonly string[] = ["js", "jsx", "ts", "tsx", "json", "text", "bytes", "wasm"];

/**
 * The type with which a member is imported.
 *
 * @param media Its media type.
 * @returns The `type` attribute of its imports, `module` for none.
 */
export function importTypeOf(media: MediaType): ImportType {
  return media === "json" || media === "text" || media === "bytes" ? media : "module";
}

/**
 * Whether a `type` attribute is one that imports of members can have.
 *
 * @param type The attribute's value, or `module` for none.
 * @returns Whether it is.
 */
export function isImportType(type: string): type is ImportType {
  return type === "module" || type === "json" || type === "text" || type === "bytes";
}

/**
 * Writes the canonical text.
 *
 * @param manifest The content, in any order.
 * @returns The text: ASCII, every line ended by a line feed.
 * @throws {GraphError} (`MANIFEST_INVALID`) When an invariant of the content is broken (MANIFEST-2
 * to MANIFEST-6).
 */
export function formatManifest(manifest: Manifest): string {
  checkManifest(manifest);
  const lines = [
    ...manifest.members.map((m) => line("member", m.sha256, m.media, m.label)),
    ...manifest.edges.map((e) => line("edge", e.from, e.specifier, formatTarget(e.target))),
    ...manifest.externals.map((e) => line("external", e.specifier, e.integrity ?? "-")),
    ...manifest.live.map((label) => line("live", label)),
    ...manifest.options.map((option) => line("option", ...option)),
  ];
  // Lines are ASCII, so the order of UTF-16 units is the order of bytes.
  return [HEADER, line("entry", manifest.entry), ...lines.sort(), ""].join("\n");
}

/**
 * Reads a canonical text.
 *
 * @param text A text that {@linkcode formatManifest} wrote.
 * @returns The content, each array in the order of its lines.
 * @throws {GraphError} (`MANIFEST_INVALID`) When the text is not exactly canonical (MANIFEST-1) or
 * breaks an invariant.
 */
export function parseManifest(text: string): Manifest {
  const manifest = readManifestLines(text);
  if (formatManifest(manifest) !== text) {
    throw new GraphError(
      "MANIFEST_INVALID",
      "Cannot read a manifest: it is not canonical, its lines are unsorted",
      { details: {} },
    );
  }
  return manifest;
}

/**
 * Reads a text that this process has just formatted: the text is canonical, so the invariants are
 * not checked again.
 *
 * @param text A text that {@linkcode formatManifest} returned.
 * @returns The content, each array in the order of its lines.
 * @throws {GraphError} (`MANIFEST_INVALID`) When a line is malformed.
 */
export function readManifestLines(text: string): Manifest {
  const [header, entryLine, ...lines] = text.split("\n");
  if (header !== HEADER) {
    throw new GraphError(
      "MANIFEST_INVALID",
      `Cannot read a manifest: found the header ${describe(header)}, ` +
        `wanted "${HEADER}"`,
      { details: {} },
    );
  }
  const members: Member[] = [];
  const edges: Edge[] = [];
  const externals: External[] = [];
  const live: string[] = [];
  const options: ManifestOption[] = [];
  const [entry] = fields(entryLine ?? "", 2, "entry", 1);
  if (lines.pop() !== "") throw malformed(lines.length + 3, "it does not end with a line feed");
  for (const [i, row] of lines.entries()) {
    const number = i + 3;
    switch (row.slice(0, row.indexOf(" "))) {
      case "member": {
        const [sha256, media, label] = fields(row, number, "member", 3);
        members.push({ label: label!, sha256: sha256!, media: media as MediaType });
        break;
      }
      case "edge": {
        const [from, specifier, target] = fields(row, number, "edge", 3);
        edges.push({ from: from!, specifier: specifier!, target: parseTarget(target!, number) });
        break;
      }
      case "external": {
        const [specifier, integrity] = fields(row, number, "external", 2);
        externals.push({ specifier: specifier!, integrity: integrity === "-" ? null : integrity! });
        break;
      }
      case "live":
        live.push(...fields(row, number, "live", 1));
        break;
      case "option": {
        const isShared = row.split(" ").length < 4;
        const [key, value, label] = fields(row, number, "option", isShared ? 2 : 3);
        options.push(isShared ? [key!, value!] : [key!, value!, label!]);
        break;
      }
      default:
        throw malformed(number, `found ${quote(row)}, wanted a known line`);
    }
  }
  return { version: 1, entry: entry!, members, edges, externals, live, options };
}

/**
 * The identity of a version.
 *
 * @param manifestText The canonical text of its manifest.
 * @returns The SHA-256 of its UTF-8 bytes: 64 lower-case hexadecimal digits.
 */
export function versionHash(manifestText: string): string {
  return sha256Hex(manifestText);
}

function line(...words: readonly string[]): string {
  return words.map(encodeWord).join(" ");
}

function fields(text: string, number: number, kind: string, count: number): string[] {
  const [found, ...words] = text.split(" ");
  if (found !== kind || words.length !== count) {
    throw malformed(
      number,
      `found ${quote(text)}, wanted "${kind}" and ${count} fields`,
    );
  }
  try {
    return words.map(decodeWord);
  } catch (cause) {
    throw malformed(number, "a field is not canonically percent-encoded", cause);
  }
}

function formatTarget(target: EdgeTarget): string {
  switch (target.kind) {
    case "member":
    case "live":
      return `${target.kind}:${target.label}`;
    case "external":
      return `external:${target.specifier}`;
    case "host":
    case "missing":
      return target.kind;
  }
}

function parseTarget(text: string, number: number): EdgeTarget {
  const [, kind, rest] = /^(member|live|external):(.+)$/s.exec(text) ?? [];
  if (text === "host" || text === "missing") return { kind: text };
  if (kind === "external") return { kind, specifier: rest! };
  if (kind === "member" || kind === "live") return { kind, label: rest! };
  throw malformed(number, `found the target ${quote(text)}`);
}

function malformed(number: number, why: string, cause?: unknown): GraphError {
  return new GraphError("MANIFEST_INVALID", `Cannot read a manifest: line ${number}: ${why}`, {
    cause,
    details: { line: number },
  });
}

/** Checks MANIFEST-2 to MANIFEST-6. */
function checkManifest(manifest: Manifest): void {
  const members = new Set<string>();
  const asked = new Set<string>();
  for (const { label, sha256, media } of manifest.members) {
    if (!isSha256Hex(sha256)) {
      refuse(`the member ${quoteId(label)} has the digest ${quoteId(sha256)}`);
    }
    if (!MEDIA.includes(media)) {
      refuse(`the member ${quoteId(label)} has the media ${quoteId(media)}`);
    }
    members.add(label);
    once(asked, `${importTypeOf(media)} ${text(label)}`, "member");
  }
  if (!members.has(manifest.entry)) refuse(`the entry ${quoteId(manifest.entry)} is not a member`);
  const live = new Set<string>();
  for (const label of manifest.live) {
    if (members.has(label)) refuse(`${quoteId(label)} is both live and a member`);
    once(live, text(label), "live label");
  }
  const externals = new Set<string>();
  for (const { specifier, integrity } of manifest.externals) {
    once(externals, text(specifier), "external");
    if (integrity !== null && (text(integrity) === "-")) refuse("an integrity is a dash");
  }
  const edges = new Set<string>();
  for (const { from, specifier, target } of manifest.edges) {
    if (!members.has(from)) refuse(`an edge starts at ${quoteId(from)}, which is not a member`);
    once(edges, `${encodeWord(from)} ${encodeWord(text(specifier))}`, "edge");
    const isListed = target.kind === "member"
      ? members.has(target.label)
      : target.kind === "live"
      ? live.has(target.label)
      : target.kind === "external"
      ? externals.has(target.specifier)
      : true;
    if (!isListed) refuse(`an edge leads to ${quoteId(formatTarget(target))}, which is not listed`);
  }
  const compiled = new Set(
    manifest.members.filter(({ media }) => /^([jt]sx|ts)$/.test(media)).map(({ label }) => label),
  );
  const shared = new Set(manifest.options.filter(({ length }) => length === 2).map(([key]) => key));
  const options = new Set<string>();
  for (const [key, value, label] of manifest.options) {
    once(options, encodeWord(text(key)) + (label === undefined ? "" : ` ${label}`), "option");
    if (label !== undefined && shared.has(key)) {
      refuse(`the option ${quoteId(key)} is one of every module, and of ${quoteId(label)}`);
    }
    if (label !== undefined && !compiled.has(label)) {
      refuse(`an option is of ${quoteId(label)}, which is no member that is compiled`);
    }
    if (!value.isWellFormed()) refuse(`the option ${quoteId(key)} is not well-formed Unicode`);
  }
}

function text(value: string): string {
  if (value === "" || !value.isWellFormed()) {
    refuse(`found the text ${quoteId(value)}, wanted well-formed Unicode that is not empty`);
  }
  return value;
}

function once(seen: Set<string>, key: string, what: string): void {
  if (seen.has(key)) refuse(`the ${what} ${quoteId(key)} is there twice`);
  seen.add(key);
}

function refuse(why: string): never {
  throw new GraphError("MANIFEST_INVALID", `Cannot accept a manifest: ${why}`, { details: {} });
}
