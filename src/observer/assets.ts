/**
 * Files that pages load. Their names hold their digests, so browsers keep them forever.
 *
 * - ASSET-1: a page of another release, which a browser has open over a restart or which another process
 *   behind the same address has sent, gets the files of this one, and keeps them for this time only.
 *
 * @module
 */

import { sha256Hex } from "../base/encoding.ts";
import { ICON, SCRIPT, STYLES } from "./assets.gen.ts";
import { IMMUTABLE, PRIVATE } from "./headers.ts";

interface Asset {
  readonly type: string;
  readonly text: string;
}

const FILES = new Map<string, Asset>();

/** By name and ending: the file that there is now. */
const NOW = new Map<string, Asset>();

/** The names of the files. */
export const ASSETS = {
  styles: add("observer", "css", "text/css; charset=utf-8", STYLES),
  script: add("observer", "js", "text/javascript; charset=utf-8", SCRIPT),
  icon: add("icon", "svg", "image/svg+xml", ICON),
};

function add(name: string, ending: string, type: string, text: string): string {
  const file = `${name}.${sha256Hex(text).slice(0, 12)}.${ending}`;
  const asset = { type, text };
  FILES.set(file, asset);
  NOW.set(`${name}.${ending}`, asset);
  return file;
}

/**
 * Answers a request for a file. No right is needed: the files hold nothing of a database.
 *
 * @param pathname The path below the observer's own.
 * @param request The request.
 * @returns The file; `null`: the path is no file's.
 */
export function assetAnswer(pathname: string, { method }: Request): Response | null {
  if (method !== "GET" && method !== "HEAD") return null;
  const [, file = "", name, ending] = /^\/assets\/((\w+)\.[0-9a-f]{12}\.(\w+))$/.exec(pathname) ??
    [];
  const exact = FILES.get(file);
  const asset = exact ?? NOW.get(`${name}.${ending}`);
  if (asset === undefined) return null;
  const kept = exact === undefined ? PRIVATE : IMMUTABLE; // ASSET-1
  return new Response(asset.text, { headers: { ...kept, "content-type": asset.type } });
}
