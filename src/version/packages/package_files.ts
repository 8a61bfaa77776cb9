/**
 * The files of a package as one blob of the archive. One set of files has one blob, so a package
 * is stored once for all versions that need it.
 *
 * @module
 */

import { joined } from "../../base/bytes.ts";
import { decodeWord, encodeWord } from "../../base/encoding.ts";

/** The files of a package by their path in it, such as `lib/index.js`. */
export type PackageFiles = ReadonlyMap<string, Uint8Array>;

const HEADER = "continuum-package 1";
const LINE_FEED = 10;

/**
 * Packs files.
 *
 * @param files The files.
 * @returns A header with the paths and lengths, an empty line, and the bytes of the files.
 */
export function packFiles(files: PackageFiles): Uint8Array {
  const entries = [...files].map(([path, bytes]) => [encodeWord(path), bytes] as const)
    .sort(([a], [b]) => a < b ? -1 : 1);
  const lines = [HEADER, ...entries.map(([path, { length }]) => `${path} ${length}`), "", ""];
  const header = new TextEncoder().encode(lines.join("\n"));
  return joined([header, ...entries.map(([, bytes]) => bytes)]);
}

/**
 * Unpacks files.
 *
 * @param blob The result of {@linkcode packFiles}.
 * @returns The files; they are views of the blob.
 * @throws {SyntaxError} When it is not a packed package.
 */
export function unpackFiles(blob: Uint8Array): PackageFiles {
  const lines: string[] = [];
  let at = 0;
  for (;;) {
    const end = blob.indexOf(LINE_FEED, at);
    if (end < 0) throw new SyntaxError("a packed package without an end of its header");
    const line = new TextDecoder().decode(blob.subarray(at, end));
    at = end + 1;
    if (line === "") break;
    lines.push(line);
  }
  if (lines.shift() !== HEADER) throw new SyntaxError("a packed package of an unknown format");
  const files = new Map<string, Uint8Array>();
  for (const line of lines) {
    const [path, length] = line.split(" ");
    const end = at + Number(length);
    if (!(end <= blob.length)) throw new SyntaxError("a packed package that was cut off");
    files.set(decodeWord(path!), blob.subarray(at, end));
    at = end;
  }
  return files;
}
