/**
 * Files that changed after the application had imported them. The application's own import is never
 * executed as a version, so correctness does not depend on this. But a person who edits a file
 * between the import and `open` should know which of the two contents a run executes.
 *
 * @module
 */

import type { AuthoredLog } from "../../base/authored.ts";
import { shortHash } from "../../base/text.ts";
import { importedAt } from "../../workflow/imported.ts";

const warned = new Set<string>();

/**
 * Logs, once, which files of a version changed after the application had imported its module.
 *
 * @param hash The version.
 * @param workflow The name of its workflow.
 * @param root The URL of its module.
 * @param urls The URLs of all its modules.
 * @param log The log of versions.
 */
export async function warnOfChanges(
  hash: string,
  workflow: string,
  root: string,
  urls: Iterable<string>,
  log: AuthoredLog,
): Promise<void> {
  const at = importedAt(root);
  if (at === undefined || warned.has(`${root} ${hash}`)) return;
  const files = await changedSince(at, urls);
  if (files.length === 0) return;
  warned.add(`${root} ${hash}`);
  log.warn(
    "{workflow}: {files} changed after this process had imported the workflow; runs execute what " +
      "was there when the node opened, version {version}, not what the process imported",
    { workflow, files: files.join(", "), version: shortHash(hash), hash },
  );
}

/**
 * The files that certainly changed after a time: their bytes or times were written, or a symlink on
 * their path was created. No time shows that a folder was renamed.
 *
 * @param at Milliseconds since the epoch.
 * @param urls URLs; only files are checked.
 * @returns Those of them that changed.
 */
export async function changedSince(at: number, urls: Iterable<string>): Promise<string[]> {
  /** Whether a path, or a symlink above it, changed. */
  const known = new Map<string, Promise<boolean>>();
  const hasChanged = (url: string): Promise<boolean> => {
    let found = known.get(url);
    if (found === undefined) known.set(url, found = look(url));
    return found;
  };
  const look = async (url: string) => {
    const above = new URL(url.endsWith("/") ? "../" : "./", url).href;
    return above !== url && await hasChanged(above) || await isLater(url, at);
  };
  const files = [...urls].filter((url) => url.startsWith("file:"));
  const changed = await Promise.all(files.map(hasChanged));
  return files.filter((_, i) => changed[i]);
}

/** For a folder, only symlinks are checked: the times of a folder change with its entries. */
async function isLater(url: string, at: number): Promise<boolean> {
  try {
    const path = new URL(url.replace(/\/$/, ""));
    const info = await Deno.lstat(path);
    if (info.isDirectory) return false;
    return wroteAfter(info, at) || info.isSymlink && !url.endsWith("/") &&
        wroteAfter(await Deno.stat(path), at);
  } catch {
    return false; // Can't be read, so nothing is known.
  }
}

/** The time of the last change has whole seconds, and no program can set it. */
function wroteAfter({ ctime, mtime }: Deno.FileInfo, at: number): boolean {
  const changed = ctime?.getTime() ?? 0;
  const written = mtime?.getTime() ?? 0;
  return changed > at || written > at && changed + 1_000 > at;
}
