/**
 * Converts a walked graph into its manifest and diagnostics.
 *
 * @module
 */

import { type OptionedModule, optionLines } from "../options/compiler.ts";
import type { Diagnostic, DiagnosticCode } from "../manifest/diagnostics.ts";
import type { GoverningOptions } from "../options/governing.ts";
import { labelOf, recordedSpecifier, resolveLabel } from "../manifest/label.ts";
import { positionOf } from "../imports/lex.ts";
import type { Edge, EdgeTarget, External, Manifest, Member } from "../manifest/format.ts";
import type { Walk, WalkedImport, WalkedModule } from "./walk.ts";

/** A graph in terms of labels. */
export interface BuiltManifest {
  /** The content of the manifest. */
  readonly manifest: Manifest;
  /** The bytes of every member, by SHA-256. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** The URL of every member and live module, by label. */
  readonly urls: ReadonlyMap<string, string>;
  /** Why the graph is not exact, by label and position. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Builds the manifest of all modules that a root reaches.
 *
 * @param walk A finished walk.
 * @param entry Its root.
 * @param compilerOptions The compiler options of each module.
 * @returns The manifest, and the bytes, URLs and diagnostics of its modules.
 */
export function buildManifest(
  walk: Walk,
  entry: WalkedModule,
  compilerOptions: GoverningOptions,
): BuiltManifest {
  const urls = new Map<string, string>();
  const label = (url: string) => {
    const name = labelOf(url, entry.url);
    urls.set(name, url);
    return name;
  };
  const members: Member[] = [];
  const optioned: OptionedModule[] = [];
  const edges: Edge[] = [];
  const externals = new Map<string, External>();
  const live = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  const bytes = new Map<string, Uint8Array>();

  for (const module of reachable(walk, entry)) {
    const from = label(module.url);
    members.push({ label: from, sha256: module.sha256, media: module.media });
    const options = compilerOptions.of(module.url, module.media);
    optioned.push({ label: from, media: module.media, options });
    bytes.set(module.sha256, module.bytes);
    const note = (code: DiagnosticCode, offset: number, message: string) =>
      diagnostics.push({ code, message, label: from, ...positionOf(module.source, offset) });
    for (const offset of module.metas) {
      note("IMPORT_META", offset, "Found import.meta, which differs from node to node");
    }
    const recorded = new Map<string, EdgeTarget>();
    for (const found of module.imports) {
      const { specifier, target } = found;
      if (specifier === undefined || target.kind === "computed") {
        note(
          "NON_LITERAL_IMPORT",
          found.offset,
          "Found a computed import, wanted a literal, and so its options",
        );
        continue;
      }
      // It can be loaded nowhere, and needs no line.
      if (specifier === "") continue;
      const edge = edgeTarget(walk, found, label);
      const name = recordedSpecifier(specifier);
      // One specifier, requested with two types: the edge records the one that can be loaded.
      if (edge.kind === "missing" && recorded.has(name)) continue;
      recorded.set(name, edge);
      if (edge.kind === "live") live.add(edge.label);
      if (target.kind !== "external") continue;
      externals.set(target.specifier, {
        specifier: target.specifier,
        integrity: target.integrity,
      });
      if (target.unpinned === undefined) continue;
      const wanted = "wanted an exact version and integrity in deno.lock";
      const message = `Found ${target.specifier}, but ${target.unpinned}, ${wanted}`;
      note("UNPINNED_EXTERNAL", found.offset, message);
    }
    for (const [specifier, target] of recorded) {
      const isPlain = target.kind === "member" && resolveLabel(from, specifier) === target.label;
      if (!isPlain) edges.push({ from, specifier, target });
    }
  }
  return {
    manifest: {
      version: 1,
      entry: label(entry.url),
      members,
      edges,
      externals: [...externals.values()],
      live: [...live],
      options: optionLines(optioned),
    },
    bytes,
    urls,
    diagnostics: diagnostics.sort(byPosition),
  };
}

/** Every module that the root reaches through imports that can be loaded. */
function reachable(walk: Walk, entry: WalkedModule): Set<WalkedModule> {
  const seen = new Set([entry]);
  for (const module of seen) {
    for (const found of module.imports) {
      const target = walk.moduleOf(found);
      if (target !== undefined && target.broken === undefined) seen.add(target);
    }
  }
  return seen;
}

function edgeTarget(
  walk: Walk,
  found: WalkedImport,
  label: (url: string) => string,
): EdgeTarget {
  const { target } = found;
  switch (target.kind) {
    case "module": {
      const module = walk.moduleOf(found);
      return module === undefined || module.broken !== undefined
        ? { kind: "missing" }
        : { kind: "member", label: label(module.url) };
    }
    case "live":
      return { kind: "live", label: label(target.url) };
    case "external":
      return { kind: "external", specifier: target.specifier };
    case "host":
      return { kind: "host" };
    case "failed":
    case "computed":
      return { kind: "missing" };
  }
}

function byPosition(a: Diagnostic, b: Diagnostic): number {
  if (a.label !== b.label) return a.label < b.label ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
