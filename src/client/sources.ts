/**
 * Reads the source of versions for display. The bytes are verified and not executed.
 *
 * @module
 */

import { type ErrorCode, isContinuumError } from "../base/errors.ts";
import type { MediaType } from "../version/manifest/format.ts";
import { versionUnavailable } from "../version/contract_errors.ts";
import type { FoundVersion } from "../version/sources.ts";
import type { Versions } from "../version/versions.ts";
import type { CallSite } from "../replay/turn.ts";

/**
 * One module of a version.
 *
 * @category Versions
 */
export interface VersionMember {
  /** Its label: a path from the root module's folder, or an absolute URL. */
  readonly label: string;
  /** How its bytes are read: `ts`, `json`, ... */
  readonly media: MediaType;
  /** The SHA-256 of its bytes, in hex. */
  readonly sha256: string;
  /** How many bytes it has. */
  readonly bytes: number;
  /** Its text; `null` for bytes that are not text, such as WebAssembly. */
  readonly text: string | null;
}

/**
 * The code of a version, with every byte verified against the version's hash.
 *
 * @category Versions
 */
export interface VersionSource {
  /** The version. */
  readonly hash: string;
  /** The source of the bytes. */
  readonly from: "archive" | "url";
  /** The label of the root module. */
  readonly entry: string;
  /** Its modules, sorted by label. */
  readonly members: readonly VersionMember[];
  /** The packages that it imports, with their exact versions. */
  readonly packages: readonly string[];
}

/**
 * A line of source.
 *
 * @category Versions
 */
export interface SourceLine {
  /** Its number, from 1. */
  readonly number: number;
  /** Its text, without the line break. */
  readonly text: string;
}

/**
 * Reads a version's code. The archive is read first; if it lacks the version, the version's
 * specifiers are fetched.
 *
 * @param versions Finds the bytes.
 * @param hash The version.
 * @returns The code.
 * @throws {VersionUnavailableError} If no source has it.
 */
export async function readSource(
  versions: Pick<Versions, "inspect">,
  hash: string,
): Promise<VersionSource> {
  const found = await unlessUnavailable(hash, "read the source", () => versions.inspect(hash));
  return sourceOfCode(found, found.source);
}

/**
 * Shows verified bytes as source.
 *
 * @param code A version's manifest and bytes.
 * @param from The source of the bytes.
 * @returns The code.
 */
export function sourceOfCode(
  { manifest, bytes: found }: Pick<FoundVersion, "manifest" | "bytes">,
  from: VersionSource["from"],
): VersionSource {
  const { content, hash } = manifest;
  const members = content.members.map(({ label, media, sha256 }) => {
    const bytes = found.get(sha256)!;
    return { label, media, sha256, bytes: bytes.byteLength, text: textOf(media, bytes) };
  });
  return {
    hash,
    from,
    entry: content.entry,
    members: members.sort((a, b) => a.label < b.label ? -1 : 1),
    packages: content.externals.map(({ specifier }) => specifier)
      .filter((specifier) => !specifier.startsWith("node:")),
  };
}

/** Errors that are not about the version: they keep their own codes. */
const OTHER: readonly ErrorCode[] = [
  "CLOSED",
  "DATABASE_UNAVAILABLE",
  "SUBPROCESS_ENDED",
  "SUBPROCESS_TIMEOUT",
  "SUBPROCESS_UNAVAILABLE",
];

/**
 * Runs `work`, and turns every error about the version into {@linkcode VersionUnavailableError}.
 *
 * @param hash The version.
 * @param action What the caller needs it for.
 * @param work Reads or imports it.
 * @returns What `work` returned.
 * @throws {VersionUnavailableError} If it is unavailable.
 */
export async function unlessUnavailable<T>(
  hash: string,
  action: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isContinuumError(error) && OTHER.includes(error.code)) throw error;
    throw versionUnavailable(hash, action, error);
  }
}

/**
 * Returns the lines around a place.
 *
 * @param source The code.
 * @param place The member and the line.
 * @param around How many lines before and after it.
 * @returns The lines; empty if the source has no such place.
 */
export function linesAround(
  source: VersionSource,
  { member, line }: Pick<CallSite, "line"> & { readonly member: string | null },
  around: number,
): SourceLine[] {
  const text = source.members.find(({ label, text }) => label === member && text !== null)?.text;
  if (typeof text !== "string") return [];
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/);
  const first = Math.max(1, line - around);
  return lines.slice(first - 1, line + around).map((text, index) => ({
    number: first + index,
    text,
  }));
}

/**
 * The text of a module.
 *
 * @param media How its bytes are read.
 * @param bytes Its bytes.
 * @returns The text; `null` for bytes that are not text.
 */
export function textOf(media: MediaType, bytes: Uint8Array): string | null {
  return media === "wasm" || media === "bytes" ? null : new TextDecoder().decode(bytes);
}
