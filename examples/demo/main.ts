/**
 * The story that Continuum exists for, told with real processes:
 *
 * a run starts on version 1 of its workflow and waits; version 2 is deployed, version 1's URL is
 * taken down, and the worker is killed; a new worker that only knows version 2 finishes the run on
 * version 1's bytes, while new runs use version 2.
 *
 * `deno task demo` runs it on a database inside the process; `deno task demo --database
 * postgres://...` on yours.
 *
 * @module
 */

import { linesOf } from "./lines.ts";
import { Releases } from "./releases.ts";
import { dropSchema } from "./tamper.ts";

interface Status {
  readonly version: { readonly hash: string; readonly label: string };
  readonly state: string;
  readonly stuck: { readonly message: string; readonly details: { reasons: Reason[] } } | null;
}

interface Reason {
  readonly source: string;
  readonly specifier?: string;
  readonly message: string;
}

/** A worker process. */
class Worker {
  readonly #process: Deno.ChildProcess;
  readonly #answers: AsyncGenerator<string>;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  pid = 0;

  private constructor(database: string, workflows: readonly string[]) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        new URL("./worker.ts", import.meta.url).href,
        database,
        schema,
        ...workflows,
      ],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#answers = linesOf(this.#process.stdout);
    this.#commands = this.#process.stdin.getWriter();
  }

  /** Starts one, and waits until it is open. */
  static async start(database: string, workflows: readonly string[]): Promise<Worker> {
    const worker = new Worker(database, workflows);
    worker.pid = (await worker.#answer()).ready as number;
    return worker;
  }

  /** Lets it do something. */
  async do<T = unknown>(...command: unknown[]): Promise<T> {
    await this.#commands.write(new TextEncoder().encode(JSON.stringify(command) + "\n"));
    const { value, error } = await this.#answer();
    if (error !== undefined) throw new Error(`worker ${this.pid}: ${error}`);
    return value as T;
  }

  /** Kills it: no farewell, no clean-up. */
  async kill(): Promise<Deno.CommandStatus> {
    this.#process.kill("SIGKILL");
    const status = await this.#process.status;
    await this.#commands.abort().catch(() => {});
    return status;
  }

  /** Lets it end by itself. */
  async close(): Promise<void> {
    await this.#commands.close();
    await this.#process.status;
  }

  async #answer(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`worker ${this.pid} ended without an answer`);
    return JSON.parse(value);
  }
}

const folder = await Deno.makeTempDir({ prefix: "continuum-demo-" });
const database = databaseOf(Deno.args) ?? `pglite:${folder}/database`;
const schema = `continuum_demo_${Date.now().toString(36)}`;
const releases = new Releases();
const table: Record<string, string>[] = [];

say(`
Continuum demo, on ${
  database.startsWith("pglite:") ? "Postgres in this process (PGlite)" : "your Postgres"
}

1. Release 1.0.0 of the workflow "order" is online. A worker starts two orders on it.`);
releases.publish("1.0.0");
const runs = { first: "order-1", second: "order-2", third: "order-3" };
const doomed = await Worker.start(database, [releases.url("1.0.0")]);
for (const run of [runs.first, runs.third]) {
  await doomed.do("start", releases.url("1.0.0"), { items: 3 }, run);
  const { version } = await doomed.do<Status>("reached", run, "suspended");
  say(
    `   ${run} waits for the signal "review", pinned to ${version.label} (${short(version.hash)})`,
  );
}

say(`
2. Release 2.0.0 is deployed, with other steps; the URL of 1.0.0 is taken down.
   The worker (process ${doomed.pid}) is killed with SIGKILL.`);
releases.publish("2.0.0");
releases.takeDown("1.0.0");
const { signal } = await doomed.kill();
say(`   process ${doomed.pid} is gone: ${signal}`);

say(`
3. A new worker comes up. It knows only 2.0.0.`);
const worker = await Worker.start(database, [releases.url("2.0.0")]);
say(`   process ${worker.pid} is ready`);
await worker.do("signal", runs.first, "review", "approved");
await report(worker, runs.first);
await worker.do("start", "order", { items: 3 }, runs.second);
await worker.do("signal", runs.second, "review", "approved");
await report(worker, runs.second);
await worker.close();

say(`
4. An attacker changes one byte of every module in the archive. ${runs.third} is to continue
   in a fresh worker: 1.0.0 is neither at its URL nor, intact, in the archive.`);
const last = await Worker.start(database, [releases.url("2.0.0")]);
await last.do("damageArchive");
await last.do("signal", runs.third, "review", "approved");
const parked = await last.do<Status>("reached", runs.third, "stuck_unknown_version");
say(`   ${runs.third} is parked as ${parked.state}; nothing of the changed code ran:`);
for (const { source, specifier, message } of parked.stuck?.details.reasons ?? []) {
  say(`     ${source}${specifier === undefined ? "" : ` ${specifier}`}: ${message}`);
}

say(`
5. The archive is restored. The run continues by itself.`);
await last.do("restoreArchive");
await report(last, runs.third);
await last.close();

say("");
printTable(table);
await releases.close();
await dropSchema(database, schema);
await Deno.remove(folder, { recursive: true });

async function report(worker: Worker, run: string): Promise<void> {
  const result = await worker.do<string>("result", run);
  const { version } = await worker.do<Status>("status", run);
  const source = await worker.do<string>("source", version.hash);
  say(`   ${run} finished on ${version.label}, its code from the ${source}: "${result}"`);
  table.push({
    run,
    version: version.label,
    hash: short(version.hash),
    "code from": source,
    result,
  });
}

function databaseOf(args: readonly string[]): string | undefined {
  const at = args.indexOf("--database");
  if (at >= 0) return args[at + 1];
  return args.find((arg) => arg.startsWith("--database="))?.slice("--database=".length);
}

function short(hash: string): string {
  return hash.slice(0, 12);
}

function printTable(rows: readonly Record<string, string>[]): void {
  const keys = Object.keys(rows[0] ?? {});
  const widths = keys.map((key) => Math.max(key.length, ...rows.map((row) => row[key]!.length)));
  const line = (cells: readonly string[]) =>
    say(cells.map((cell, index) => cell.padEnd(widths[index]!)).join("  ").trimEnd());
  line(keys);
  line(widths.map((width) => "-".repeat(width)));
  for (const row of rows) line(keys.map((key) => row[key]!));
}

function say(text: string): void {
  // deno-lint-ignore no-console -- a demo speaks
  console.log(text);
}
