/**
 * Replays code in a process of its own, which has no permission and ends at a deadline: a loop in
 * workflow code stops neither this process nor its event loop.
 *
 * - SUBPROCESS-1: nothing of a version that is replayed here runs in this process.
 * - SUBPROCESS-2: a question that is not answered in time kills the subprocess, and so does every
 *   way of letting go of it; none outlives its owner. A shell kills one whose owner was killed
 *   ({@linkcode OrphanGuard}); where there is none, it ends as soon as its code returns.
 * - SUBPROCESS-3: only a line that begins with a secret of this one subprocess is an answer. Code
 *   may print what it likes.
 * - SUBPROCESS-4: it imports the packages that a node of the application would import, also on a
 *   machine whose cache has nothing but them: it resolves them by a copy of the application's lock,
 *   takes from the archive what a node would (PACKAGESOURCE-1), and refuses what PACKAGES-1 refuses. Its own packages are those of the lock that this process
 *   runs by. It has no network. Without a lock, it resolves packages by what the runtime's cache
 *   knows of the registry.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";
import { variable } from "../base/environment.ts";
import { isContinuumError } from "../base/errors.ts";
import type { VerifiedManifest } from "../version/manifest/verified.ts";
import type { VersionPackages } from "../version/packages/version_packages.ts";
import { DryRunError } from "./errors.ts";
import { OrphanGuard } from "./orphan_guard.ts";
import { PrivateLock } from "./private_lock.ts";
import type { Answer, Calls, Hello, ImportedCode } from "./protocol.ts";

/** The code that a subprocess replays. */
export interface ReplayedCode {
  /** Its manifest. */
  readonly manifest: VerifiedManifest;
  /** Its members' bytes by SHA-256. */
  readonly bytes: ReadonlyMap<string, Uint8Array>;
  /** Finds out where its npm packages come from; the runtime alone has them when omitted. */
  readonly packages?: () => Promise<VersionPackages>;
}

/** How a subprocess is run. */
export interface SubprocessOptions {
  /** Milliseconds until an answer, imports included; `Infinity`: no limit. Default 10,000. */
  readonly timeoutMs?: number;
  /** The most megabytes of its heap. Default 512. */
  readonly heapMb?: number;
  /** Whether it waits for a debugger, on a port of this machine alone, before it does anything. */
  readonly inspect?: boolean;
  /** The application's config file. Default: the nearest above its main module. */
  readonly config?: string | undefined;
}

/** The most that an answer may have, in characters: what it holds is shown to a person. */
const MOST_ANSWER = 64 * 2 ** 20;

/** How much of its error output is kept, in characters. */
const MOST_ERRORS = 2_000;

const MAIN = new URL("./main.ts", import.meta.url).href;

/**
 * Never called: it makes the subprocess's modules part of this module's graph, so the runtime has
 * them in its cache, also if this package comes from a registry (SUBPROCESS-4).
 */
export const inGraph = (): Promise<unknown> => import("./main.ts");

/** Those that have not been let go of: they are killed when this process exits (SUBPROCESS-2). */
const ALIVE = new Set<{ readonly kill: () => void }>();

/** A process that replays code of one version. */
export class Subprocess implements AsyncDisposable {
  readonly #code: ReplayedCode;
  readonly #lock: PrivateLock | undefined;
  readonly #packages: VersionPackages | undefined;
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncIterator<string>;
  readonly #timeoutMs: number;
  readonly #drained: Promise<unknown>;
  readonly #debugger = Promise.withResolvers<string | undefined>();
  readonly #guard: OrphanGuard | undefined;
  readonly #alive = { kill: () => this.#kill() };
  /** The end of what it wrote to its error output. */
  #errors = "";

  private constructor(
    code: ReplayedCode,
    packages: VersionPackages | undefined,
    lock: PrivateLock | undefined,
    { timeoutMs = 10_000, heapMb = 512, inspect = false }: SubprocessOptions,
  ) {
    this.#code = code;
    this.#lock = lock;
    this.#packages = packages;
    this.#timeoutMs = timeoutMs;
    const mark = `${crypto.randomUUID()} `;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-check", "--no-prompt", "--cached-only"],
        lock === undefined ? "--no-lock" : `--lock=${lock.path}`, // SUBPROCESS-4
        // A quiet process does not say where it waits for a debugger.
        ...inspect ? ["--inspect-wait=127.0.0.1:0"] : ["--quiet"],
        // The configuration of a package from afar would be that of the working directory.
        ...MAIN.startsWith("file:") ? [] : ["--no-config"],
        `--v8-flags=--max-old-space-size=${heapMb}`,
        MAIN,
      ],
      clearEnv: true,
      env: environment(),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#guard = OrphanGuard.of(this.#process.pid);
    if (ALIVE.size === 0) globalThis.addEventListener("unload", killAll);
    ALIVE.add(this.#alive);
    const { stdin, stdout, stderr } = this.#process;
    this.#writer = stdin.getWriter();
    this.#answers = answersOf(stdout, mark);
    this.#drained = inBackground(this.#keepErrors(stderr));
    inBackground(this.#write({ mark } satisfies Hello));
  }

  /**
   * Starts a process; about 0.1 s.
   *
   * @param code The code that it will replay.
   * @param options Its bounds.
   * @returns The process, which has not imported the code yet.
   * @throws {LoadError} (`EXTERNAL_UNAVAILABLE`) If the application's lock has other packages than
   * the code was pinned with.
   * @throws {DryRunError} If this process may not run another, or not read or copy the lock: code
   * `SUBPROCESS_UNAVAILABLE`.
   */
  static async start(code: ReplayedCode, options: SubprocessOptions = {}): Promise<Subprocess> {
    let lock: PrivateLock | undefined;
    try {
      const packages = await code.packages?.();
      await packages?.check();
      const taken = await packages?.taken();
      lock = await PrivateLock.copy(code.manifest, options.config, taken);
      return new Subprocess(code, packages, lock, options);
    } catch (error) {
      lock?.[Symbol.dispose]();
      if (isContinuumError(error, "EXTERNAL_UNAVAILABLE")) throw error;
      if (isContinuumError(error, "INTEGRITY_MISMATCH")) throw error;
      throw new DryRunError("SUBPROCESS_UNAVAILABLE", "start a subprocess", error);
    }
  }

  /**
   * The address at which it waits for a debugger.
   *
   * @returns The WebSocket URL; `undefined`: it has ended without one.
   */
  get debuggerUrl(): Promise<string | undefined> {
    return this.#debugger.promise;
  }

  /**
   * Imports the code, after every byte of it was verified there.
   *
   * @param timeoutMs Milliseconds that it has; those of its options when omitted.
   * @returns The names of its workflow and of those inside it.
   * @throws {DryRunError} As {@linkcode Subprocess.ask}.
   */
  async load(timeoutMs?: number): Promise<ImportedCode> {
    const { manifest: { hash, text: manifest }, bytes } = this.#code;
    const texts = [...bytes].map(([sha256, member]) => [sha256, member.toBase64()]);
    const code = { hash, manifest, bytes: Object.fromEntries(texts) };
    try {
      const taken = await this.#packages?.taken();
      const message = taken?.size ? await this.#packages!.message() : null;
      return await this.ask(
        "load",
        message === null ? code : { ...code, packages: message },
        timeoutMs,
      );
    } finally {
      this.#lock?.[Symbol.dispose](); // All packages have been imported.
    }
  }

  /**
   * Asks for something; one question at a time.
   *
   * @param call What is asked.
   * @param argument With what.
   * @param timeoutMs Milliseconds that it has; those of its options when omitted.
   * @returns The answer.
   * @throws {DryRunError} If it does not answer in time (`SUBPROCESS_TIMEOUT`), has ended
   * (`SUBPROCESS_ENDED`), or failed (`SUBPROCESS_FAILED`).
   */
  async ask<Name extends keyof Calls>(
    call: Name,
    argument: Calls[Name]["asks"],
    timeoutMs: number = this.#timeoutMs,
  ): Promise<Calls[Name]["answers"]> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timeOut = () => {
      this.#kill(); // SUBPROCESS-2
      const why = `the code did not answer within ${timeoutMs / 1_000} s`;
      reject(new DryRunError("SUBPROCESS_TIMEOUT", call, why));
    };
    const timer = timeoutMs === Infinity ? undefined : setTimeout(timeOut, timeoutMs);
    try {
      inBackground(this.#write({ call, argument }));
      const { done, value } = await Promise.race([this.#answers.next(), late]);
      if (done === true) {
        this.#kill();
        const { code, signal } = await this.#process.status;
        await this.#drained;
        const why = this.#explained(this.#errors.trim());
        const end = `the process ended with ${signal ?? code}: ${why}`;
        throw new DryRunError("SUBPROCESS_ENDED", call, end);
      }
      const answer = JSON.parse(value) as Answer;
      if ("value" in answer) return answer.value;
      const { code, message } = answer.error;
      throw new DryRunError("SUBPROCESS_FAILED", call, this.#explained(message), code);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await this.#guard?.[Symbol.asyncDispose]();
    await this.#process.status;
    await inBackground(this.#writer.abort());
    await this.#answers.return?.();
    await this.#drained;
  }

  async #write(message: object): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  }

  async #keepErrors(stderr: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stderr.pipeThrough(new TextDecoderStream())) {
      this.#errors = (this.#errors + text).slice(-MOST_ERRORS);
      const [, url] = /listening on (ws:\/\/\S+)\s/.exec(this.#errors) ?? [];
      if (url !== undefined) this.#debugger.resolve(url);
    }
    this.#debugger.resolve(undefined);
  }

  #kill(): void {
    this.#guard?.release();
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    this.#lock?.[Symbol.dispose]();
    ALIVE.delete(this.#alive);
    if (ALIVE.size === 0) globalThis.removeEventListener("unload", killAll);
  }

  /** What to do where the runtime's cache lacks something (SUBPROCESS-4). */
  #explained(message: string): string {
    if (!message.includes("--cached-only")) return message;
    const packages = this.#code.manifest.content.externals.map(({ specifier }) => specifier)
      .filter((specifier) => !specifier.startsWith("node:"));
    const command = ["deno cache", MAIN, ...packages].join(" ");
    return `${message}; the runtime's cache on this machine lacks it: run \`${command}\``;
  }
}

function killAll(): void {
  for (const { kill } of ALIVE) kill();
}

/** SUBPROCESS-3 */
async function* answersOf(
  output: ReadableStream<Uint8Array>,
  mark: string,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    rest += text;
    if (!text.includes("\n")) {
      if (rest.length > MOST_ANSWER) return;
      continue;
    }
    const lines = rest.split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith(mark)) yield line.slice(mark.length);
  }
}

/** Where the runtime's caches are, and which registries': nothing of this process's secrets. */
function environment(): Record<string, string> {
  const names = ["DENO_DIR", "HOME", "XDG_CACHE_HOME", "USERPROFILE", "LOCALAPPDATA", "SystemRoot"];
  const found = names.flatMap((name) => {
    const value = variable(name);
    return value === undefined ? [] : [[name, value]];
  });
  const registries = ["NPM_CONFIG_REGISTRY", "JSR_URL"].flatMap((name) => {
    const value = variable(name);
    return value !== undefined && URL.canParse(value) ? [[name, withoutCredentials(value)]] : [];
  });
  return { ...Object.fromEntries([...found, ...registries]), NO_COLOR: "1" };
}

function withoutCredentials(text: string): string {
  const url = new URL(text);
  url.username = url.password = url.search = "";
  return url.href;
}
