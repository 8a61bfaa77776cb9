/**
 * A real PgBouncer for tests, where the machine has one.
 *
 * @module
 */

import { unprivileged } from "./postgres_binaries.ts";
import { freePort } from "./postgres_process.ts";

const BINARY = "/usr/sbin/pgbouncer";

/** A running pooler. */
export interface Pooler extends AsyncDisposable {
  /** Leads through it to the same database. */
  readonly url: string;
}

/** Whether the machine has a PgBouncer; a test without one says how to get it. */
export const hasPgBouncer: boolean = await Deno.stat(BINARY).then(() => true, () => {
  // deno-lint-ignore no-console -- who runs the tests has to know
  console.warn(`Skipping tests behind a pooler: found no ${BINARY}; apt-get install pgbouncer`);
  return false;
});

/**
 * Starts a pooler in front of a server.
 *
 * @param target The database.
 * @param settings Settings of `pgbouncer.ini`, beside those that name the server. With an
 * `auth_type`, users say who they are, and the one user of `target` is known.
 */
export async function startPgBouncer(
  target: string,
  settings: Readonly<Record<string, string>>,
): Promise<Pooler> {
  const { hostname, port, username, pathname, password } = new URL(target);
  const home = await Deno.makeTempDir({ prefix: "continuum_pgbouncer_" });
  const own = freePort();
  const asks = "auth_type" in settings;
  const known = decodeURIComponent(password);
  const secret = known === "" ? "" : ` password=${known}`;
  const user = asks ? "" : ` user=${username}${secret}`;
  const lines = [
    "[databases]",
    `* = host=${hostname} port=${port || 5432}${user}`,
    "[pgbouncer]",
    "listen_addr=127.0.0.1",
    `listen_port=${own}`,
    "unix_socket_dir=",
    ...asks ? [] : ["auth_type=any"],
    `auth_file=${home}/users`,
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
  ];
  await Deno.writeTextFile(`${home}/users`, `"${username}" "${asks ? known : ""}"\n`);
  await Deno.writeTextFile(`${home}/ini`, lines.join("\n") + "\n");
  await Deno.chmod(home, 0o755);
  const process = new Deno.Command(BINARY, {
    args: [`${home}/ini`],
    ...await unprivileged(),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const up = Promise.withResolvers<void>();
  let log = "";
  const drained = (async () => {
    for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
      if (log.length < 10_000) log += text;
      if (log.includes("process up")) up.resolve();
    }
    up.reject(new Error(`Cannot start PgBouncer: ${log}`));
  })();
  await up.promise;
  return {
    url: `postgres://${username}${asks ? `:${password}` : ""}@127.0.0.1:${own}${pathname}`,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await process.status;
      await drained;
      await Deno.remove(home, { recursive: true });
    },
  };
}
