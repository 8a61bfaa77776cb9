/**
 * What is done if this process is killed: servers that it started end, disks that it mounted and
 * folders that it made go. A process that ends by itself has cleaned up, and takes its will back.
 *
 * @module
 */

import { inBackground } from "../../src/base/background.ts";

/**
 * The shell reads a line for each thing. At the end of its input, it does away with all of them. A
 * server is known by its data folder, whose file names the process of now.
 */
const SCRIPT = `
while read -r kind path; do
  case "$kind" in
    server) servers="$path $servers" ;;
    folder) folders="$path $folders" ;;
    forget) exit ;;
  esac
done
for path in $servers; do
  read -r pid < "$path/postmaster.pid" || continue
  kill -QUIT "$pid"
  while kill -0 "$pid"; do sleep 0.1; done
done
for path in $folders; do
  while umount "$path"; do :; done
  rm -rf "$path"
done`;

/** The will of a process for some of its things. */
export class LastWill implements AsyncDisposable {
  readonly #shell: Deno.ChildProcess | undefined;
  readonly #lines: WritableStreamDefaultWriter<Uint8Array> | undefined;

  /** Begins one; on Windows nothing is done by it. */
  constructor() {
    if (Deno.build.os === "windows") return;
    this.#shell = new Deno.Command("/bin/sh", {
      args: ["-c", SCRIPT],
      detached: true, // what kills this process's group does not reach it
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#lines = this.#shell.stdin.getWriter();
  }

  /**
   * The server of a data folder will be ended.
   *
   * @param data Its path, without spaces.
   */
  async endServer(data: string): Promise<void> {
    await this.#add(`server ${data}`);
  }

  /**
   * What is mounted on a folder will be unmounted, and the folder removed.
   *
   * @param path Its path, without spaces.
   */
  async removeFolder(path: string): Promise<void> {
    await this.#add(`folder ${path}`);
  }

  /** Takes it back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#add("forget");
    await inBackground(this.#lines?.close() ?? Promise.resolve());
    await this.#shell?.status;
  }

  async #add(line: string): Promise<void> {
    await this.#lines?.write(new TextEncoder().encode(`${line}\n`));
  }
}
