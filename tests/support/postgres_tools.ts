/**
 * The programs of Postgres's clients for tests, where the machine has them.
 *
 * @module
 */

import { type Release, RELEASES } from "./postgres_binaries.ts";

/** `pg_dump` and `pg_restore` of a release. */
export interface DumpTools {
  /** The release; its `pg_dump` reads servers up to it. */
  readonly release: Release;
  /** Writes a database to a file. */
  dump(url: string, file: string): Promise<void>;
  /** Reads a file into an empty database. */
  restore(file: string, url: string): Promise<void>;
}

/** Those of this machine; `undefined`: it has none, which is said. */
export const dumpTools: DumpTools | undefined = await find();

async function find(): Promise<DumpTools | undefined> {
  for (const release of RELEASES.toReversed()) {
    const folder = `/usr/lib/postgresql/${release}/bin`;
    const isThere = await Deno.stat(`${folder}/pg_restore`).then(() => true, () => false);
    if (!isThere) continue;
    return {
      release,
      dump: (url, file) =>
        run(`${folder}/pg_dump`, ["--format=custom", "--file", file, "--dbname", url]),
      restore: (file, url) =>
        run(`${folder}/pg_restore`, ["--exit-on-error", "--dbname", url, file]),
    };
  }
  // deno-lint-ignore no-console -- who runs the tests has to know
  console.warn(
    "Skipping tests of pg_dump: found no /usr/lib/postgresql/*/bin; apt-get install postgresql-client",
  );
  return undefined;
}

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`Cannot run ${command}: ${new TextDecoder().decode(stderr)}`);
}
