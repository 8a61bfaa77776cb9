/**
 * Replays runs for diagnosis, in this process or in a subprocess.
 *
 * @module
 */

import type { RunRow } from "../../ports/rows.ts";
import type { Drain } from "../../replay/drain.ts";
import type { Calls } from "../../dry_run/protocol.ts";
import { queryOn, type QueryReply, type QueryRequest } from "../../dry_run/query.ts";
import { type ReplayedCode, Subprocess } from "../../dry_run/subprocess.ts";
import { type Trace, traceOn, type TraceRequest } from "../../dry_run/trace.ts";
import type { LoadedVersion } from "../../version/loaded_version.ts";
import type { Versions } from "../../version/versions.ts";
import type { JournalStore } from "../../ports/store.ts";
import type { FoundVersion } from "../../version/sources.ts";
import { PROOF_TIMEOUT_MS, Prover } from "./prover.ts";
import { readSource, unlessUnavailable, type VersionSource } from "../sources.ts";

/** The methods of the versions that dry runs use. */
type Code = Pick<Versions, "demandSigned" | "has" | "inspect" | "obtain">;

/**
 * A run with more events is replayed in a subprocess, so that it does not block this event loop.
 */
const MOST_EVENTS_HERE = 5_000;

/** Replays runs in a process that they can't harm (TRACE-1 of `trace.ts`). */
export class DryRuns {
  readonly #versions: Code;
  readonly #drain: Drain;
  readonly #config: string | undefined;

  /**
   * @param versions Obtains the code.
   * @param drain How executions drain their microtasks.
   * @param config The application's config file; by default the nearest above its main module.
   */
  constructor(versions: Code, drain: Drain, config?: string) {
    this.#versions = versions;
    this.#drain = drain;
    this.#config = config;
  }

  /**
   * The same, with other versions.
   *
   * @param versions Obtains the code.
   */
  of(versions: Code): DryRuns {
    return new DryRuns(versions, this.#drain, this.#config);
  }

  /**
   * Traces a run.
   *
   * @param row The run.
   * @param request Which part of the run.
   * @param timeoutMs Milliseconds that a subprocess has for an answer.
   * @returns The trace, and in which process the code ran.
   * @throws {VersionUnavailableError} If no source has the code, or it can't be imported.
   * @throws {DryRunError} If the subprocess can't be started or does not answer in time.
   */
  async trace(
    row: Pick<RunRow, "hash" | "state">,
    request: TraceRequest,
    timeoutMs: number,
  ): Promise<{ readonly trace: Trace; readonly where: "here" | "subprocess" }> {
    const { answer: trace, where } = await this.#replay(row, "trace", request, traceOn, timeoutMs);
    return { trace, where };
  }

  /**
   * Asks the code of a run.
   *
   * @param row The run.
   * @param request The run's history, and the query.
   * @param timeoutMs Milliseconds that a subprocess has for an answer.
   * @returns The answer.
   * @throws The errors of {@linkcode DryRuns.trace}.
   */
  async query(
    row: Pick<RunRow, "hash" | "state">,
    request: QueryRequest,
    timeoutMs: number,
  ): Promise<QueryReply> {
    return (await this.#replay(row, "query", request, queryOn, timeoutMs)).answer;
  }

  async #replay<Name extends "trace" | "query">(
    row: Pick<RunRow, "hash" | "state">,
    call: Name,
    request: Calls[Name]["asks"],
    here: (
      definition: LoadedVersion["definition"],
      request: Calls[Name]["asks"],
      drain: Drain,
    ) => Promise<Calls[Name]["answers"]>,
    timeoutMs: number,
  ): Promise<
    { readonly answer: Calls[Name]["answers"]; readonly where: "here" | "subprocess" }
  > {
    if (this.#mayRunHere(row, request)) {
      const { definition }: LoadedVersion = await this.#versions.obtain(row.hash);
      return { answer: await here(definition, request, this.#drain), where: "here" };
    }
    const { hash } = row;
    const find = () => this.#versions.inspect(hash);
    const code = await unlessUnavailable(hash, "replay the run", find);
    await using owned = new AsyncDisposableStack();
    const process = await unlessUnavailable(hash, "replay the run", async () => {
      const process = owned.use(await this.start(code, timeoutMs));
      await process.load();
      return process;
    });
    return { answer: await process.ask(call, request), where: "subprocess" };
  }

  /**
   * Starts a subprocess for code. It imports the packages that this application would
   * (SUBPROCESS-4).
   *
   * @param code The code.
   * @param timeoutMs Milliseconds that it has for an answer.
   * @returns The subprocess; the caller disposes of it.
   * @throws {VersionUnavailableError} If the code needs a signature, and has none (SIGNED-1).
   * @throws {LoadError} (`EXTERNAL_UNAVAILABLE`) If the application's lock has other packages.
   * @throws {DryRunError} If it can't be started.
   */
  async start(code: ReplayedCode, timeoutMs: number): Promise<Subprocess> {
    await this.#versions.demandSigned(code.manifest.hash);
    return await Subprocess.start(code, { timeoutMs, config: this.#config });
  }

  /**
   * Makes what proves runs on one version.
   *
   * @param code The version's hash, or code that need not be registered.
   * @param journal Reads histories.
   * @param timeoutMs Milliseconds that a subprocess has for one batch.
   * @returns The prover; the caller disposes of it.
   */
  prover(
    code: string | FoundVersion,
    journal: Pick<JournalStore, "load" | "open">,
    timeoutMs: number = PROOF_TIMEOUT_MS,
  ): Prover {
    const [hash, versions] = typeof code === "string"
      ? [code, this.#versions]
      : [code.manifest.hash, withCode(this.#versions, code)];
    return new Prover(hash, {
      journal,
      timeoutMs,
      versions,
      start: (...asked) => this.start(...asked),
      trace: (...asked) => this.trace(...asked),
      drain: this.#drain,
    });
  }

  /**
   * For one call that replays a run and shows its source: the bytes of a version are found once.
   *
   * @returns The same, with a memory of its own.
   */
  remembering(): DryRuns {
    const versions = this.#versions;
    const found = new Map<string, Promise<FoundVersion>>();
    const inspect = (hash: string) => {
      const known = found.get(hash) ?? versions.inspect(hash);
      found.set(hash, known);
      return known;
    };
    const { demandSigned, has, obtain } = versions;
    return this.of({
      demandSigned: demandSigned.bind(versions),
      has: has.bind(versions),
      obtain: obtain.bind(versions),
      inspect,
    });
  }

  /**
   * Reads the code of a run.
   *
   * @param row The run.
   * @returns Its code.
   * @throws {VersionUnavailableError} If no source has it.
   */
  async source({ hash }: Pick<RunRow, "hash">): Promise<VersionSource> {
    return await readSource(this.#versions, hash);
  }

  #mayRunHere(
    { hash, state }: Pick<RunRow, "hash" | "state">,
    { events }: Pick<TraceRequest, "events">,
  ): boolean {
    return this.#versions.has(hash) && state !== "stuck_poisoned" &&
      events.length <= MOST_EVENTS_HERE;
  }
}

/** Versions, and code that was found already. */
function withCode(versions: Code, found: FoundVersion): Code {
  const { hash } = found.manifest;
  return {
    demandSigned: (wanted, workflow) => versions.demandSigned(wanted, workflow),
    has: (wanted) => versions.has(wanted),
    obtain: (wanted) => versions.obtain(wanted),
    inspect: async (wanted) => wanted === hash ? found : await versions.inspect(wanted),
  };
}
