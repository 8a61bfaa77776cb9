/**
 * A small disk in memory, for a tablespace that can be full.
 *
 * @module
 */

import { unprivileged } from "../support/postgres_binaries.ts";

/** The tablespace's name. */
export const SMALL_SPACE = "small";

/** A mounted disk. */
export interface Space extends AsyncDisposable {
  readonly path: string;
}

/** Mounts a disk; `undefined`: this process may not. */
export async function smallSpace(megabytes: number): Promise<Space | undefined> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return undefined;
  const path = await Deno.makeTempDir({ prefix: "continuum_chaos_" });
  const mounted = await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "chaos", path]);
  if (!mounted) {
    await Deno.remove(path);
    return undefined;
  }
  const owner = await unprivileged();
  if (owner !== null) await Deno.chown(path, owner.uid, owner.gid);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run("umount", [path]);
      await Deno.remove(path, { recursive: true });
    },
  };
}

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}
