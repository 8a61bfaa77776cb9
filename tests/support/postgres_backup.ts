/**
 * A base backup: all files of a cluster, copied while its server runs.
 *
 * @module
 */

import { join } from "node:path";
import { postgres } from "../../src/store/postgres/mod.ts";

/** What a copy does not have: the server makes it anew, or streams it. */
const LEFT_OUT = /^(postmaster\.(pid|opts)|(pg_wal|pg_replslot|pg_stat_tmp|pg_notify)\/.+)$/;

/**
 * Copies a cluster's data.
 *
 * @param url The running server.
 * @param data Its data folder.
 * @param copy The folder to be made.
 * @param places Where its tablespaces go, by where they are.
 */
export async function copyData(
  url: string,
  data: string,
  copy: string,
  places: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  const driver = await postgres(url).open();
  try {
    const files = await driver.transaction(async (session) => {
      await session.query("select pg_backup_start('a copy', true)");
      await copyTree(data, copy, LEFT_OUT);
      for (const [from, to] of places) await copyTree(from, to, /^$/);
      const [row] = await session.query<{ label: string; map: string }>(
        "select labelfile as label, spcmapfile as map from pg_backup_stop(false)",
      );
      return row!;
    });
    await Deno.writeTextFile(join(copy, "backup_label"), files.label);
    let map = files.map;
    for (const [from, to] of places) map = map.replaceAll(` ${from}\n`, ` ${to}\n`);
    if (map !== "") await Deno.writeTextFile(join(copy, "tablespace_map"), map);
    await Deno.chmod(copy, 0o700);
  } finally {
    await driver.close();
  }
}

/** Copies a folder whose files come and go; links are left out. */
async function copyTree(from: string, to: string, leftOut: RegExp, within = ""): Promise<void> {
  await Deno.mkdir(to, { recursive: true, mode: 0o700 });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    const path = `${within}${name}`;
    const [source, target] = [join(from, name), join(to, name)];
    if (leftOut.test(path)) continue;
    if (isDirectory) {
      await copyTree(source, target, leftOut, `${path}/`);
    } else if (isFile) {
      await Deno.copyFile(source, target).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error; // it has just been removed
      });
    }
  }
}
