/**
 * Makes edits of a workflow's folder.
 *
 * @module
 */

import { type Edit, moduleText } from "./plan.ts";

let asides = 0;

/**
 * Makes one edit. What it needs may be gone by an earlier one: then it does nothing.
 *
 * @param folder The path of the folder, with a slash at its end.
 * @param name The scenario.
 * @param entry The URL of the package's `./workflow` entry.
 * @param edit The edit.
 */
export async function make(
  folder: string,
  name: string,
  entry: string,
  edit: Edit,
): Promise<void> {
  try {
    await makeNow(folder, name, entry, edit);
  } catch (error) {
    const isGone = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.IsADirectory;
    if (!isGone) throw error;
  }
}

async function makeNow(folder: string, name: string, entry: string, edit: Edit): Promise<void> {
  const path = folder + edit.path;
  const aside = `${folder}aside-${asides++}`; // No file has that name: an earlier edit may have stayed half made.
  switch (edit.kind) {
    case "rewrite": {
      const { mtime, atime } = await Deno.stat(path);
      const text = moduleText(edit.path, edit.word, name, entry);
      await Deno.writeTextFile(edit.isMoved ? aside : path, text);
      if (edit.isMoved) await Deno.rename(aside, path);
      if (edit.keepsTimes) await Deno.utime(path, atime!, mtime!);
      return;
    }
    case "link":
      await Deno.symlink(folder + edit.to, aside);
      if ((await Deno.lstat(path)).isDirectory) await Deno.rename(path, `${aside}.old`);
      return await Deno.rename(aside, path);
    case "swap":
      await Deno.rename(path, aside);
      await Deno.rename(folder + edit.with, path);
      return await Deno.rename(aside, folder + edit.with);
    case "delete":
      return await Deno.remove(path);
    case "folder":
      await Deno.remove(path);
      return await Deno.mkdir(path);
    case "touch":
      return await Deno.utime(path, new Date(), new Date());
    case "write":
      return await Deno.writeTextFile(path, edit.text);
    case "mount": {
      const { success, stderr } = await new Deno.Command("mount", {
        args: ["--bind", folder + edit.from, path],
        stderr: "piped",
      }).output();
      if (!success) throw new Error(new TextDecoder().decode(stderr));
    }
  }
}
