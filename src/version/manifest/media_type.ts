/**
 * Determines how a member's bytes are read: as Deno would read them.
 *
 * In this order: the import's `type` attribute, if it is `text` or `bytes`; the `content-type` of
 * an HTTP response or `data:` URL, unless it is unspecific (`text/plain`,
 * `application/octet-stream`, or missing); the extension of the path.
 * `tests/version/media_type_test.ts` compares this with the installed Deno.
 *
 * @module
 */

import type { ImportType, MediaType } from "./format.ts";

/** The media type of a module; `commonjs` and `unsupported` are in no graph. */
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

/** Content types that the extension refines, with the media type if it does not. */
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
 * @param type The type that its importer requests.
 * @param contentType Its `content-type`, if the source has one.
 * @returns The media type; `commonjs` or `unsupported` for modules that no graph can contain.
 */
export function mediaTypeOf(url: string, type: ImportType, contentType?: string): FoundMediaType {
  if (type === "text" || type === "bytes") return type;
  // Deno reads a module as JSON only if it would without the attribute.
  if (type === "json") {
    return mediaTypeOf(url, "module", contentType) === "json" ? "json" : "unsupported";
  }
  const { protocol, pathname } = new URL(url);
  const name = /[^/]*(?=\/*$)/.exec(pathname)![0];
  const extension = /\.([^.]*)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  const essence = contentType?.replace(/;.*$/s, "").trim().toLowerCase();
  const isSilent = essence === undefined ||
    protocol !== "data:" && /^(text\/plain|application\/octet-stream)$/.test(essence);
  // Declarations are TypeScript, whatever the server's content type.
  const isDeclaration = /^[cm]?ts$/.test(extension) &&
    name.slice(0, -extension.length).includes(".d.");
  if (isSilent) {
    if (isDeclaration) return "ts";
    // Deno reads a file whose name has no dot as TypeScript.
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
