/**
 * Puts files of tests together into modules that import them. `deno test` makes an isolate for each
 * module that it is given, and half of the processor time of a file is the start of its isolate: the
 * engine is loaded and compiled anew, and so is the database in memory.
 *
 * A file that changes its isolate for good has one of its own: a line of it begins with `// alone: `,
 * and says why.
 *
 * @module
 */

import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

/** How many files share an isolate: of one folder, so that a failure is looked for in few. */
const TOGETHER = 16;

const ALONE = /^\/\/ alone: \S/m;

/** A module for `deno test`: the files that it imports. */
export interface TestGroup {
  /** Its file's name. */
  readonly name: string;
  /** Paths of the files. */
  readonly files: readonly string[];
}

/** Finds the files of tests below folders, and groups them. */
export async function groupTests(folders: readonly string[]): Promise<TestGroup[]> {
  const groups: TestGroup[] = [];
  for (const folder of folders) await addGroups(folder, groups);
  return groups;
}

async function addGroups(folder: string, groups: TestGroup[]): Promise<void> {
  const entries = (await Array.fromAsync(Deno.readDir(folder))).sort((a, b) =>
    a.name < b.name ? -1 : 1
  );
  const together: string[] = [];
  const name = folder.replaceAll(/[\\/]/g, "_");
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith(".")) continue; // such as what a killed run has left
    if (entry.isDirectory) await addGroups(path, groups);
    else if (!entry.name.endsWith("_test.ts")) continue;
    else if (!ALONE.test(await Deno.readTextFile(path))) together.push(path);
    else groups.push({ name: `${name}_${basename(path)}`, files: [path] });
  }
  const count = Math.ceil(together.length / TOGETHER);
  for (let n = 0; n < count; n++) {
    // Every n-th file: neighbours are alike, and the dearest stand together.
    const files = together.filter((_, at) => at % count === n);
    groups.push({ name: `${name}_${n + 1}_test.ts`, files });
  }
}

/**
 * Writes the modules.
 *
 * @param folder Where.
 * @returns Their paths.
 */
export async function writeGroups(
  groups: readonly TestGroup[],
  folder: string,
): Promise<string[]> {
  return await Promise.all(groups.map(async ({ name, files }) => {
    const path = join(folder, name);
    const imports = files.map((each) => `import ${JSON.stringify(pathToFileURL(each).href)};\n`);
    await Deno.writeTextFile(path, imports.join(""));
    return path;
  }));
}
