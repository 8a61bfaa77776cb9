/**
 * What decides how a member's bytes are read.
 *
 * In this order: the import's `type` attribute; the `content-type` of an HTTP response or `data:`
 * URL, unless it says nothing (`text/plain`, `application/octet-stream`, an unknown type); the
 * extension of the path. What none of them tells is JavaScript.
 *
 * @module
 */

import type { ImportType, MediaType } from "./manifest.ts";

const BY_EXTENSION: Readonly<Record<string, MediaType | "commonjs">> = {
  js: "js",
  mjs: "js",
  cjs: "commonjs",
  jsx: "jsx",
  ts: "ts",
  mts: "ts",
  cts: "commonjs",
  tsx: "tsx",
  json: "json",
  wasm: "wasm",
};

const JAVASCRIPT = /^(application|text)\/(x-)?(java|ecma)script$|^application\/node$/;
const TYPESCRIPT = /^(application|text)\/(x-)?typescript$|^video\/(mp2t|vnd\.dlna\.mpeg-tts)$/;

/**
 * The media type of a module.
 *
 * @param url The URL that served it, redirects followed.
 * @param type How its importer asks for it.
 * @param contentType Its `content-type`, if the source has one.
 * @returns The media type; `commonjs` for `.cjs` and `.cts`, which no graph can hold.
 */
export function mediaTypeOf(
  url: string,
  type: ImportType,
  contentType?: string,
): MediaType | "commonjs" {
  if (type !== "module") return type;
  const byExtension = BY_EXTENSION[extensionOf(url)];
  const essence = (contentType ?? "").replace(/;.*$/s, "").trim().toLowerCase();
  // Servers know no more than JavaScript and TypeScript; the extension tells JSX from them.
  if (JAVASCRIPT.test(essence)) {
    return byExtension === "jsx" || byExtension === "commonjs" ? byExtension : "js";
  }
  if (TYPESCRIPT.test(essence)) {
    return byExtension === "tsx" || byExtension === "commonjs" ? byExtension : "ts";
  }
  if (essence === "text/jsx") return "jsx";
  if (essence === "text/tsx") return "tsx";
  if (essence === "application/json" || essence === "text/json" || essence.endsWith("+json")) {
    return "json";
  }
  if (essence === "application/wasm") return "wasm";
  return byExtension ?? "js";
}

function extensionOf(url: string): string {
  const { protocol, pathname } = new URL(url);
  if (protocol === "data:") return "";
  return /\.([a-z]+)$/i.exec(pathname)?.[1]?.toLowerCase() ?? "";
}
