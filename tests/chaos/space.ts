/**
 * A small disk in memory, for a tablespace that can be full.
 *
 * @module
 */

import { LastWill } from "../support/last_will.ts";
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
  await using stack = new AsyncDisposableStack();
  const will = stack.use(new LastWill());
  const path = await Deno.makeTempDir({ prefix: "continuum_chaos_" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  await will.removeFolder(path);
  const mounted = await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "chaos", path]);
  if (!mounted) return undefined;
  stack.defer(async () => void await run("umount", [path]));
  const owner = await unprivileged();
  if (owner !== null) await Deno.chown(path, owner.uid, owner.gid);
  const kept = stack.move();
  return { path, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}
