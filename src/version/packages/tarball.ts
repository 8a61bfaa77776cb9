/**
 * Reads the archive file of a npm package, as a registry serves it: a compressed tar.
 *
 * - TARBALL-1, bounded: it never expands to more than {@linkcode MOST_TAR_BYTES}, and the files that
 *   are kept never have more bytes than the caller says.
 * - TARBALL-2, names: nothing is written to a disk. A file's path has no `..`, and is that which Deno
 *   gives it: without the first folder. Links and devices are left out, as Deno leaves them out.
 *
 * @module
 */

import { gunzipSync } from "node:zlib";
import { quote } from "../../base/describe.ts";
import type { PackageFiles } from "./package_files.ts";

/** The most bytes that an archive file may expand to. */
export const MOST_TAR_BYTES = 256 * 2 ** 20;

const BLOCK = 512;

/**
 * Reads the files that a program may load.
 *
 * @param tarball The bytes of the archive file.
 * @param isWanted Whether a file is kept, by its path.
 * @param mostBytes The most bytes of all files that are kept.
 * @param mostTarBytes The most bytes that it may expand to.
 * @returns The files.
 * @throws {SyntaxError} When it is no archive of a package, or exceeds a bound.
 */
export function unpackTarball(
  tarball: Uint8Array,
  isWanted: (path: string) => boolean,
  mostBytes: number,
  mostTarBytes: number = MOST_TAR_BYTES,
): PackageFiles {
  const tar = expanded(tarball, mostTarBytes);
  const files = new Map<string, Uint8Array>();
  let bytes = 0;
  for (const { path, content } of entries(tar)) {
    const inside = pathInside(path);
    if (!isWanted(inside)) continue;
    bytes += content.length - (files.get(inside)?.length ?? 0);
    if (bytes > mostBytes) throw new SyntaxError(`it has more than ${mostBytes} bytes`);
    files.set(inside, content.slice()); // the last one counts, as where files are written
  }
  return files;
}

/** TARBALL-1 */
function expanded(tarball: Uint8Array, mostBytes: number): Uint8Array {
  try {
    return gunzipSync(tarball, { maxOutputLength: mostBytes });
  } catch (cause) {
    const isTooLarge = (cause as { readonly code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    const why = isTooLarge ? `it expands to more than ${mostBytes} bytes` : "it is no gzip file";
    throw new SyntaxError(why, { cause });
  }
}

interface Entry {
  readonly path: string;
  readonly content: Uint8Array;
}

/** The regular files, in order. */
function* entries(tar: Uint8Array): Generator<Entry> {
  let path: string | undefined;
  let length: number | undefined;
  for (let at = 0; at + BLOCK <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return;
    checkSum(header);
    const type = String.fromCharCode(header[156]!);
    // What stands before an entry says more of that entry alone.
    const size = type === "x" || type === "g" || type === "L" || type === "K"
      ? octal(header, 124, 12)
      : length ?? octal(header, 124, 12);
    const start = at + BLOCK;
    const content = tar.subarray(start, start + size);
    if (content.length < size) throw new SyntaxError("it was cut off");
    at = start + Math.ceil(size / BLOCK) * BLOCK;
    if (type === "x") {
      const said = extended(content);
      path = said.get("path") ?? path;
      if (said.has("size")) length = wholeNumber(said.get("size")!);
    } else if (type === "L") path = text(content);
    else if (type !== "g" && type !== "K") {
      if (type === "0" || type === "\0" || type === "7") {
        yield { path: path ?? nameOf(header), content };
      }
      path = length = undefined;
    }
  }
}

/** TARBALL-2 */
function pathInside(path: string): string {
  const [, ...folders] = path.split("/");
  const names = folders.filter((name) => name !== "" && name !== ".");
  if (names.includes("..") || path.includes("\\") || path.includes("\0")) {
    throw new SyntaxError(`it has a file with the path ${quote(path)}`);
  }
  return names.join("/");
}

function checkSum(header: Uint8Array): void {
  let sum = 0;
  for (let n = 0; n < BLOCK; n++) sum += n >= 148 && n < 156 ? 0x20 : header[n]!;
  if (sum !== octal(header, 148, 8)) throw new SyntaxError("it is no tar file");
}

function nameOf(header: Uint8Array): string {
  const name = text(header.subarray(0, 100));
  const isUstar = text(header.subarray(257, 263)) === "ustar";
  const prefix = isUstar ? text(header.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** The records `<length> <key>=<value>` of an extended header. */
function extended(content: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const length = wholeNumber(text(content.subarray(at, Math.max(at, space))));
    const record = text(content.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (length === 0 || at + length > content.length || equals < 0) {
      throw new SyntaxError("it has a header that can't be read");
    }
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

function octal(header: Uint8Array, at: number, length: number): number {
  const digits = text(header.subarray(at, at + length)).trim();
  if (!/^[0-7]*$/.test(digits)) throw new SyntaxError("it has a number that is not octal");
  return Number.parseInt(digits || "0", 8);
}

function wholeNumber(digits: string): number {
  if (!/^\d{1,15}$/.test(digits)) throw new SyntaxError("it has a header that can't be read");
  return Number(digits);
}

/** Up to a NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
