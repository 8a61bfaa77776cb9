/**
 * A small disk in memory, for a tablespace that can be full.
 *
 * @module
 */

import type { SqlDriver } from "../../src/store/sql/driver.ts";
import { LastWill } from "./last_will.ts";
import { unprivileged } from "./postgres_binaries.ts";

/** The tablespace's name. */
export const SMALL_SPACE = "small";

/** Takes the last byte of a small disk. Disposing of it gives all of it back. */
export async function fillSpace(admin: SqlDriver): Promise<AsyncDisposable> {
  await admin.script(`
    create table public.ballast (bytes bytea) tablespace ${SMALL_SPACE};
    alter table public.ballast alter bytes set storage external;`);
  const empty = {
    async [Symbol.asyncDispose]() {
      await admin.query("drop table public.ballast"); // to truncate it would need space
      await admin.query("checkpoint"); // recovery from before it would fill the disk again
    },
  };
  await using stack = new AsyncDisposableStack();
  stack.use(empty);
  // Halves of what fits, until not even a page does.
  for (let size = 4_000_000; size >= 1_000;) {
    try {
      await admin.query(
        "insert into public.ballast select convert_to(repeat('x', $1::integer), 'UTF8')",
        [size],
      );
    } catch (error) {
      if (!isFull(error)) throw error;
      size = size >> 1;
    }
  }
  const kept = stack.move();
  return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** The engine's tables will be made on a small disk. */
export async function placeOn(space: Space, admin: SqlDriver): Promise<void> {
  await admin.query(`create tablespace ${SMALL_SPACE} location '${space.path}'`);
  await admin.query(`alter role postgres set default_tablespace = ${SMALL_SPACE}`);
}

function isFull(error: unknown): boolean {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code === "53100" || cause !== undefined && isFull(cause);
}

/** A mounted disk. */
export interface Space extends AsyncDisposable {
  readonly path: string;
}

/** Mounts a disk; `undefined`: this process may not. */
export async function smallSpace(megabytes: number): Promise<Space | undefined> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return undefined;
  await using stack = new AsyncDisposableStack();
  const will = stack.use(new LastWill());
  const path = await Deno.makeTempDir({ prefix: "continuum_disk_" });
  stack.defer(() => Deno.remove(path, { recursive: true }));
  await will.removeFolder(path);
  const mounted = await run("mount", [
    "-t",
    "tmpfs",
    "-o",
    `size=${megabytes}m`,
    "continuum",
    path,
  ]);
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
