/**
 * The checkout, as tests about the project read it.
 *
 * @module
 */

/** The checkout's root, with a trailing slash. */
export const PROJECT: URL = new URL("../../", import.meta.url);

/**
 * A file's path from the root.
 *
 * @param url The file.
 * @returns Its path, with forward slashes.
 */
export function fromFileUrl(url: URL): string {
  return decodeURIComponent(url.href.slice(PROJECT.href.length));
}

/**
 * The files below a folder.
 *
 * @param folder A path from the root.
 * @param ending How their names end.
 * @returns Their paths from the root, sorted.
 */
export async function projectFiles(folder: string, ending: string): Promise<string[]> {
  const files: string[] = [];
  for await (const entry of Deno.readDir(new URL(`${folder}/`, PROJECT))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) files.push(...await projectFiles(path, ending));
    else if (entry.name.endsWith(ending)) files.push(path);
  }
  return files.sort();
}
