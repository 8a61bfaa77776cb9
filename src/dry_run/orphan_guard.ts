/**
 * Kills a subprocess whose owner was killed. Its code may loop, so it can't notice that by itself.
 *
 * @module
 */

import { inBackground } from "../base/background.ts";

const SHELL = "/bin/sh";

/** Reads to the end of the input, which the owner keeps open for as long as it lives. */
const SCRIPT = 'read -r _; kill -9 "$1"';

/** A shell that kills a process when this one has ended, however it ended. */
export class OrphanGuard implements AsyncDisposable {
  readonly #shell: Deno.ChildProcess;

  private constructor(shell: Deno.ChildProcess) {
    this.#shell = shell;
  }

  /**
   * Guards a process.
   *
   * @param pid The process.
   * @returns The guard; `undefined` on Windows, on a machine without a shell, and if this process may
   * not run one.
   */
  static of(pid: number): OrphanGuard | undefined {
    if (Deno.build.os === "windows") return undefined;
    const { state } = Deno.permissions.querySync({ name: "run", command: SHELL });
    if (state !== "granted") return undefined;
    try {
      return new OrphanGuard(
        new Deno.Command(SHELL, {
          args: ["-c", SCRIPT, "sh", `${pid}`],
          clearEnv: true,
          stdin: "piped",
          stdout: "null",
          stderr: "null",
        }).spawn(),
      );
    } catch {
      return undefined; // there is no shell
    }
  }

  /** Lets the process live, or be: to be called before its number is free for another one. */
  release(): void {
    try {
      this.#shell.kill("SIGKILL");
    } catch {
      // It has ended.
    }
  }

  /** Waits for the shell's end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#shell.status;
    await inBackground(this.#shell.stdin.abort());
  }
}
