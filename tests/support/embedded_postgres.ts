/**
 * A real Postgres server of a test's own, which can be restarted, broken off, and copied while it
 * runs: to a standby, or to a backup that is restored later.
 *
 * @module
 */

import { join } from "node:path";
import { LastWill } from "./last_will.ts";
import { copyData } from "./postgres_backup.ts";
import { copyBinaries, type Owner, type Release, unprivileged } from "./postgres_binaries.ts";
import {
  freePort,
  type Server,
  type ServerOptions,
  type Shutdown,
  startServer,
  stopServer,
} from "./postgres_process.ts";

/** A running cluster. */
export interface Cluster extends AsyncDisposable {
  /** `postgres://...` of its maintenance database, with a user who may do everything. */
  readonly url: string;
  /** Stops the server as an operator would, and starts it again on the same port and data. */
  restart(whileDown?: () => Promise<void>, mode?: Shutdown): Promise<void>;
  /** Stops the server; only {@linkcode Cluster.restart} starts it again. */
  stop(mode?: Shutdown): Promise<void>;
  /**
   * Copies all its data while it runs, as a base backup does.
   *
   * @param places Where its tablespaces go, by where they are.
   */
  backUp(places?: ReadonlyMap<string, string>): Promise<Backup>;
  /** Stops the server and removes all of it; that of a backup has to be disposed of before. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A copy of a cluster's data. */
export interface Backup {
  /**
   * Starts a server on it, once.
   *
   * @param as What the server is: a standby that follows another, or one that recovers to a point.
   * @param options How it differs from one as it is installed.
   */
  start(as: "standby" | "recovery", options: ServerOptions): Promise<Cluster>;
}

/** How a cluster differs from one as it is installed. */
export interface ClusterOptions extends ServerOptions {
  /** The release; 18 when omitted. */
  readonly release?: Release;
}

/** Starts a fresh cluster on a free port of the loopback interface. */
export async function startPostgres(options: ClusterOptions = {}): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const will = stack.use(new LastWill());
  const folder = await Deno.makeTempDir({ prefix: "continuum_postgres_" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  await will.removeFolder(folder);
  const home: Home = { folder, owner: await unprivileged(), will, copies: 0 };
  await copyBinaries(folder, options.release ?? 18);
  await own(home, folder);
  const data = join(folder, "data");
  await run(join(folder, "bin", "initdb"), [
    ...["--pgdata", data, "--username", "postgres", "--auth", "trust"],
    ...["--encoding", "UTF8", "--locale", "C", "--no-sync"],
  ], home.owner);
  return await clusterOn(home, data, options, stack.move());
}

/** What the servers of a cluster and of its backups share. */
interface Home {
  readonly folder: string;
  readonly owner: Owner | null;
  readonly will: LastWill;
  /** How many backups were taken. */
  copies: number;
}

async function clusterOn(
  home: Home,
  data: string,
  options: ServerOptions,
  kept: AsyncDisposableStack,
): Promise<Cluster> {
  await using stack = kept;
  await home.will.endServer(data);
  const place = { bin: join(home.folder, "bin"), data, owner: home.owner, port: freePort() };
  let server: Server | undefined = await startServer(place, options);
  const stop = async (mode: Shutdown = "fast") => {
    if (server !== undefined) await stopServer(server, mode);
    server = undefined;
  };
  stack.defer(() => stop());
  const rest = stack.move();
  const url = `postgres://postgres@127.0.0.1:${place.port}/postgres`;
  return {
    url,
    stop,
    restart: async (whileDown, mode) => {
      await stop(mode);
      await whileDown?.();
      server = await startServer(place, options);
    },
    backUp: async (places) => {
      const copy = `${home.folder}/copy${++home.copies}`;
      await copyData(url, data, copy, places);
      await own(home, copy);
      return {
        start: async (as, settings) => {
          await Deno.writeTextFile(`${copy}/${as}.signal`, "");
          await own(home, copy);
          return await clusterOn(home, copy, settings, new AsyncDisposableStack());
        },
      };
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

async function own({ owner }: Home, path: string): Promise<void> {
  if (owner !== null) await run("chown", ["-R", `${owner.uid}:${owner.gid}`, path], null);
}

async function run(command: string, args: string[], owner: Owner | null): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, ...owner }).output();
  if (success) return;
  throw new Error(`Cannot run ${command}: ${new TextDecoder().decode(stderr)}`);
}
