/**
 * What decides how a member's bytes are read: what Deno would read them as.
 *
 * In this order: the import's `type` attribute, where it is `text` or `bytes`; the `content-type`
 * of an HTTP response or `data:` URL, unless it says nothing (`text/plain`,
 * `application/octet-stream`, or none at all); the extension of the path.
 * `tests/version/media_type_test.ts` holds this against the installed Deno.
 *
 * @module
 */

import type { ImportType, MediaType } from "./format.ts";

/** What the bytes of a module are; `commonjs` and `unsupported` are in no graph. */
export type FoundMediaType = MediaType | "commonjs" | "unsupported";

const BY_EXTENSION: Readonly<Record<string, FoundMediaType>> = {
  js: "js",
  mjs: "js",
  cjs: "commonjs",
  jsx: "jsx",
  ts: "ts",
  mts: "ts",
  cts: "commonjs",
  tsx: "tsx",
  json: "json",
  jsonc: "unsupported",
  json5: "unsupported",
  wasm: "wasm",
  css: "unsupported",
  map: "unsupported",
};

const BY_CONTENT_TYPE: Readonly<Record<string, FoundMediaType>> = {
  "text/jsx": "jsx",
  "text/tsx": "tsx",
  "application/json": "json",
  "text/json": "json",
  "application/jsonc": "unsupported",
  "text/jsonc": "unsupported",
  "application/json5": "unsupported",
  "text/json5": "unsupported",
  "application/wasm": "wasm",
  "text/css": "unsupported",
};

/** Types of which the extension tells more; what they are where it does not. */
const REFINED: Readonly<Record<string, "js" | "jsx" | "ts">> = {
  "application/javascript": "js",
  "text/javascript": "js",
  "application/ecmascript": "js",
  "text/ecmascript": "js",
  "application/x-javascript": "js",
  "application/node": "js",
  "text/jscript": "jsx",
  "application/typescript": "ts",
  "text/typescript": "ts",
  "application/x-typescript": "ts",
  "video/mp2t": "ts",
  "video/vnd.dlna.mpeg-tts": "ts",
};

/**
 * The media type of a module.
 *
 * @param url The URL that served it, redirects followed.
 * @param type How its importer asks for it.
 * @param contentType Its `content-type`, if the source has one.
 * @returns The media type; `commonjs` or `unsupported` for what no graph can hold.
 */
export function mediaTypeOf(url: string, type: ImportType, contentType?: string): FoundMediaType {
  if (type === "text" || type === "bytes") return type;
  // Deno reads as JSON only what is JSON without being asked for.
  if (type === "json") {
    return mediaTypeOf(url, "module", contentType) === "json" ? "json" : "unsupported";
  }
  const { protocol, pathname } = new URL(url);
  const name = /[^/]*(?=\/*$)/.exec(pathname)![0];
  const extension = /\.([^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  const essence = contentType?.replace(/;.*$/s, "").trim().toLowerCase();
  const isSilent = essence === undefined ||
    protocol !== "data:" && /^(text\/plain|application\/octet-stream)$/.test(essence);
  // Declarations are TypeScript, whatever the server calls them.
  const isDeclaration = /^[cm]?ts$/.test(extension) &&
    name.slice(0, -extension.length).includes(".d.");
  if (isSilent) {
    if (isDeclaration) return "ts";
    // A file whose name has no dot is TypeScript to Deno.
    if (protocol === "file:" && !name.includes(".")) return "ts";
    return Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension]! : "unsupported";
  }
  if (Object.hasOwn(REFINED, essence)) {
    return isDeclaration ? "ts" : refine(REFINED[essence]!, extension);
  }
  if (Object.hasOwn(BY_CONTENT_TYPE, essence)) return BY_CONTENT_TYPE[essence]!;
  return essence.endsWith("+json") ? "json" : "unsupported";
}

function refine(usual: "js" | "jsx" | "ts", extension: string): FoundMediaType {
  switch (extension) {
    case "mjs":
      return "js";
    case "jsx":
    case "tsx":
      return extension;
    case "cjs":
    case "cts":
      return "commonjs";
    case "mts":
      return usual === "js" ? "js" : "ts";
    default:
      return usual;
  }
}
