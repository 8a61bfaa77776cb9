/**
 * The process of a Postgres server.
 *
 * @module
 */

import { join } from "node:path";
import type { Owner } from "./postgres_binaries.ts";

/** Signs of life that the server's log gives; the first, if it is a standby. */
const READY = /database system is ready to accept (read-only )?connections/;

/** How a server stops: it ends sessions and writes its data, or it breaks off as in a crash. */
export type Shutdown = "fast" | "immediate";

/** How a server differs from one as it is installed. */
export interface ServerOptions {
  /** Settings of `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Hears what the server logs, as it comes. */
  readonly onLog?: (text: string) => void;
}

/** Where a server lives. */
export interface ServerPlace {
  readonly bin: string;
  readonly data: string;
  readonly owner: Owner | null;
  readonly port: number;
}

/** A running server. */
export interface Server {
  readonly process: Deno.ChildProcess;
  readonly drained: Promise<void>;
}

/** A port that nothing listens on. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** Starts a server, and waits until it accepts connections. */
export async function startServer(
  { bin, data, owner, port }: ServerPlace,
  { settings = {}, onLog }: ServerOptions,
): Promise<Server> {
  const process = new Deno.Command(join(bin, "postgres"), {
    args: [
      ...["-D", data, "-p", String(port)],
      ...["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
      ...["-c", "max_connections=300"],
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ],
    ...owner,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const ready = Promise.withResolvers<void>();
  let log = "";
  const drained = (async () => {
    for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
      if (log.length < 10_000) log += text;
      onLog?.(text);
      if (READY.test(log)) ready.resolve();
    }
    ready.reject(new Error(`Cannot start Postgres: ${log}`));
  })();
  await ready.promise;
  return { process, drained };
}

/** Stops a server, and waits for its end. */
export async function stopServer({ process, drained }: Server, mode: Shutdown): Promise<void> {
  try {
    process.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
  } catch {
    // It has ended by itself.
  }
  await process.status;
  await drained;
}
