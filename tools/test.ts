/**
 * `deno task test`: everything, on PGlite and on a real Postgres. The server is the one that
 * `DATABASE_URL` names, else one that is started for this and removed afterwards. Arguments go to
 * `deno test`; if they name files or folders, these are tested instead of everything, each file in
 * an isolate of its own.
 *
 * What a reader wants is shown: how far it is, what failed and why, and the total. All that the
 * tests said is in a log file, whose path is shown, too. `--verbose` shows it as it comes.
 *
 * @module
 */

import { join } from "node:path";
import { startPostgres } from "../tests/support/embedded_postgres.ts";
import { writeImage } from "../tests/support/pglite_image.ts";
import { IMAGE } from "../tests/support/primed_pglite.ts";
import { groupTests, writeGroups } from "./test_groups.ts";
import { TestReport } from "./test_report.ts";

const FOLDERS = ["src", "tests"];
const VERBOSE = "--verbose";

/** Nothing is lost if this server is; tests that stop or cut one have their own. */
const FAST = { fsync: "off", full_page_writes: "off", max_wal_size: "8GB" };

const PRELOAD = join(import.meta.dirname!, "../tests/support/light_children.ts");

async function main(): Promise<number> {
  // The tests hear an interrupt too, and end by it: then there is a server to be removed.
  Deno.addSignalListener("SIGINT", () => {});
  const folder = await Deno.makeTempDir({ prefix: "continuum_test_" });
  // Within the project: what a main module is part of decides on its settings, and on its own code.
  const groups = await Deno.makeTempDir({ dir: "tests", prefix: ".together_" });
  try {
    const image = join(folder, "pglite.tar");
    await writeImage(image);
    const given = Deno.env.get("DATABASE_URL");
    if (given !== undefined) return await test(given, image, groups);
    await using server = await startPostgres({ settings: FAST });
    return await test(server.url, image, groups);
  } finally {
    for (const each of [folder, groups]) await Deno.remove(each, { recursive: true });
  }
}

async function test(postgres: string, image: string, groups: string): Promise<number> {
  const given = Deno.args.filter((arg) => arg !== VERBOSE);
  const named = given.some((arg) => !arg.startsWith("-"));
  const all = named ? [] : await writeGroups(await groupTests(FOLDERS), groups);
  const process = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--parallel", "--preload", PRELOAD, ...given, ...all],
    env: { CONTINUUM_TEST_POSTGRES: postgres, [IMAGE]: image },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const path = await Deno.makeTempFile({ prefix: "continuum_tests_", suffix: ".log" });
  using log = await Deno.open(path, { write: true });
  const report = new TestReport({
    isTerminal: Deno.stdout.isTerminal(),
    isVerbose: Deno.args.includes(VERBOSE),
    show: (text) => Deno.stdout.writeSync(new TextEncoder().encode(text)),
  });
  const follow = async (bytes: ReadableStream<Uint8Array>, isError: boolean) => {
    const decoder = new TextDecoder();
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length;) at += log.writeSync(chunk.subarray(at));
      report.take(decoder.decode(chunk, { stream: true }), isError);
    }
  };
  await Promise.all([follow(process.stdout, false), follow(process.stderr, true)]);
  const { code } = await process.status;
  report.end(code, path);
  return code;
}

Deno.exit(await main());
