/**
 * Compares what members do, apart from types, comments and layout.
 *
 * @module
 */

import type { Member } from "../manifest/format.ts";
import { parseTree } from "../imports/parser.ts";
import { decodeText } from "../imports/scan.ts";
import { transpile } from "./transpile.ts";

/** A member as one version has it. */
export interface MemberCode {
  /** Its entry in the manifest. */
  readonly member: Member;
  /** Its bytes, verified. */
  readonly bytes: Uint8Array;
  /** The compiler options that the manifest records for it. */
  readonly options: ReadonlyMap<string, string>;
}

/**
 * Whether two members are the same after types are stripped: the JavaScript that is emitted for
 * them has the same syntax tree. Comments and layout don't count.
 *
 * @param a One member.
 * @param b The other.
 * @returns Whether they are; `false` if one is no source code, or can't be compiled here.
 */
export async function isSameCode(a: MemberCode, b: MemberCode): Promise<boolean> {
  const [ofA, ofB] = await Promise.all([treeOf(a), treeOf(b)]);
  return ofA !== undefined && ofA === ofB;
}

/** The syntax tree of what is emitted, as text; `undefined`: there is none. */
async function treeOf({ member, bytes, options }: MemberCode): Promise<string | undefined> {
  const { media } = member;
  if (media === "json" || media === "text" || media === "bytes" || media === "wasm") {
    return undefined;
  }
  try {
    // The name is the same for both, since the development form of JSX holds it.
    const { code } = await transpile(decodeText(bytes), media, "compared", options);
    return JSON.stringify(parseTree(code, "js"), withoutPlaces);
  } catch {
    return undefined; // The loader reports what is wrong with it.
  }
}

function withoutPlaces(key: string, value: unknown): unknown {
  if (PLACES.has(key)) return undefined;
  return typeof value === "bigint" ? `${value}n` : value;
}

/** `extra` holds how literals are written, and parentheses, which the tree's form shows. */
const PLACES: ReadonlySet<string> = new Set(["start", "end", "loc", "range", "extra"]);
