/**
 * Files that pages load. Their names hold their digests, so browsers keep them forever.
 *
 * @module
 */

import { sha256Hex } from "../base/encoding.ts";
import { ICON, SCRIPT, STYLES } from "./assets.gen.ts";
import { IMMUTABLE } from "./headers.ts";

interface Asset {
  readonly type: string;
  readonly text: string;
}

const FILES = new Map<string, Asset>();

/** The names of the files. */
export const ASSETS = {
  styles: add("observer", "css", "text/css; charset=utf-8", STYLES),
  script: add("observer", "js", "text/javascript; charset=utf-8", SCRIPT),
  icon: add("icon", "svg", "image/svg+xml", ICON),
};

function add(name: string, ending: string, type: string, text: string): string {
  const file = `${name}.${sha256Hex(text).slice(0, 12)}.${ending}`;
  FILES.set(file, { type, text });
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
  const [, name] = /^\/assets\/([\w.-]+)$/.exec(pathname) ?? [];
  const file = name === undefined ? undefined : FILES.get(name);
  if (file === undefined) return null;
  return new Response(file.text, { headers: { ...IMMUTABLE, "content-type": file.type } });
}
