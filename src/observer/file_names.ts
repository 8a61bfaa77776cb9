/**
 * Files in messages.
 *
 * - FOLDER-1: no page says where the server keeps its files. A message of the engine names the file of a
 *   place in the code by its URL, for terminals; a page has the name alone, and shows the line.
 *
 * @module
 */

import type { Json } from "../operate/plain.ts";
import { isValueName } from "./redaction.ts";

const FILE_URL = /\bfile:\/\/\/(?:[^\s"'()?#]*\/)?([^\s"'()?#/]+)/g;

/**
 * Leaves out the folders of files in all messages of what a route has read (FOLDER-1). Values of runs
 * stay as they are.
 *
 * @param data Plain JSON of `operate`.
 */
export function withoutFolders<Data>(data: Data): Data {
  return walk(data as Json) as Data;
}

function walk(data: Json): Json {
  if (Array.isArray(data)) return data.map(walk);
  if (typeof data !== "object" || data === null) return data;
  const entries = Object.entries(data).map(([key, value]) => {
    if (key === "message" && typeof value === "string") {
      return [key, value.replaceAll(FILE_URL, "$1")] as const;
    }
    return [key, isValueName(key) ? value : walk(value)] as const;
  });
  return Object.fromEntries(entries);
}
