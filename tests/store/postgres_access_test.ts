/**
 * Getting in: passwords and encryption, on a server of the test's own that demands them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openStore } from "../../src/store/open.ts";
import { postgres } from "../../src/store/postgres/mod.ts";
import { hasOpenSsl, makeCertificate } from "../support/certificate.ts";
import { startPostgres } from "../support/embedded_postgres.ts";
import { unprivileged } from "../support/postgres_binaries.ts";
import { hasPgBouncer, startPgBouncer } from "../support/pgbouncer.ts";

const PASSWORD = "s3cret word:@/%";

/** A server that lets `app` in by its password alone, encrypted or not, and who may do everything. */
async function guardedServer() {
  await using stack = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "continuum_access_" });
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const [own, other] = [
    await makeCertificate(folder, "localhost"),
    await makeCertificate(folder, "elsewhere"),
  ];
  const hba = `${folder}/hba`;
  await Deno.writeTextFile(
    hba,
    "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
  );
  const owner = await unprivileged();
  await Deno.chmod(folder, 0o755);
  if (owner !== null) await Deno.chown(own.key, owner.uid, owner.gid);
  const settings = {
    ssl: "on",
    ssl_cert_file: own.cert,
    ssl_key_file: own.key,
    hba_file: hba,
    password_encryption: "scram-sha-256",
  };
  const cluster = stack.use(await startPostgres({ settings }));
  const admin = await postgres(cluster.url).open();
  await admin.script(`create role app login password '${PASSWORD}'`);
  await admin.close();
  const url = (host: string, parameters: Record<string, string> = {}, password = PASSWORD) => {
    const made = Object.assign(new URL(cluster.url), { hostname: host, username: "app" });
    made.password = encodeURIComponent(password);
    for (const [name, value] of Object.entries(parameters)) made.searchParams.set(name, value);
    return made.href;
  };
  const files = { own: own.cert, other: other.cert, missing: `${folder}/missing.crt` };
  const kept = stack.move();
  return { url, files, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Whether the connection is encrypted; what was thrown, in plain words, which hold no secret. */
async function entered(url: string): Promise<boolean | string> {
  const driver = await postgres(url).open();
  try {
    const [row] = await driver.query<{ ssl: boolean }>(
      "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
    );
    return row!.ssl;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    assert.equal(code, "DATABASE_UNAVAILABLE", message);
    assert.doesNotMatch(Deno.inspect(error, { depth: 9 }), /s3cret|wr0ng/);
    return message;
  } finally {
    await driver.close();
  }
}

Deno.test({
  name: "a server is entered by password and TLS as its URL says, and errors say what was wrong",
  ignore: !hasOpenSsl,
  fn: async (test) => {
    await using server = await guardedServer();
    const { own, other, missing } = server.files;
    const local = (parameters: Record<string, string>) => server.url("localhost", parameters);
    const cases: [what: string, url: string, wanted: boolean | RegExp][] = [
      ["without a word of TLS", server.url("localhost"), false],
      ["with a wrong password", server.url("localhost", {}, "wr0ng"), /password authentication/],
      ["without a password", server.url("localhost", {}, ""), /requires a password.* has none/],
      ["disable", local({ sslmode: "disable" }), false],
      ["allow", local({ sslmode: "allow" }), true],
      ["prefer", local({ sslmode: "prefer" }), true],
      ["require", local({ sslmode: "require" }), true],
      ["require, own CA", local({ sslmode: "require", sslrootcert: own }), true],
      ["require, another CA", local({ sslmode: "require", sslrootcert: other }), /self-signed/],
      ["verify-ca", local({ sslmode: "verify-ca", sslrootcert: own }), true],
      ["verify-ca, another CA", local({ sslmode: "verify-ca", sslrootcert: other }), /self-signed/],
      ["verify-full", local({ sslmode: "verify-full", sslrootcert: own }), true],
      ["verify-full, no CA", local({ sslmode: "verify-full" }), /self-signed/],
      [
        "verify-full, another CA",
        local({ sslmode: "verify-full", sslrootcert: other }),
        /self-sig/,
      ],
      [
        "verify-full, another host",
        server.url("127.0.0.1", { sslmode: "verify-full", sslrootcert: own }),
        /does not match certificate/,
      ],
      [
        "verify-full, no file",
        local({ sslmode: "verify-full", sslrootcert: missing }),
        /missing\.crt/,
      ],
    ];
    for (const [what, url, wanted] of cases) {
      await test.step(what, async () => {
        const found = await entered(url);
        if (typeof wanted === "boolean") assert.equal(found, wanted);
        else assert.match(String(found), wanted);
      });
    }
    await test.step({
      name: "through a pooler that asks for the password too",
      ignore: !hasPgBouncer,
      fn: async () => {
        for (const pool_mode of ["transaction", "session"]) {
          await using pooler = await startPgBouncer(server.url("127.0.0.1"), {
            pool_mode,
            auth_type: "scram-sha-256",
          });
          assert.equal(await entered(pooler.url), false);
          const wrong = Object.assign(new URL(pooler.url), { password: "wr0ng" });
          assert.match(String(await entered(wrong.href)), /authentication failed/);
        }
      },
    });
  },
});

Deno.test("a URL of Postgres that can't be meant is refused by its part, without its secret", async () => {
  const cases: [url: string, wanted: RegExp][] = [
    [
      "postgres://app:s3cret@host:port/db",
      /option database: found "postgres:\/\/\*\*\*@host/,
    ],
    ["postgres://app:s3cret@host/db?sslmode=no-verify", /sslmode .* found "no-verify", wanted one/],
    ["postgres://app:s3cret@host/db?sslmode=", /sslmode .* found "", wanted one of disable/],
    [
      "postgres://app:s3cret@host/db?sslmode=verify-ca",
      /sslmode .* found "verify-ca", wanted sslrootcert/,
    ],
  ];
  const asRefused = (wanted: RegExp) => (error: Error & { code?: string }) => {
    assert.equal(error.code, "DATABASE_OPTION");
    assert.doesNotMatch(Deno.inspect(error, { depth: 9 }), /s3cret/);
    assert.match(error.message, wanted);
    return true;
  };
  for (const [url, wanted] of cases) {
    assert.throws(() => postgres(url), asRefused(wanted));
    assert.throws(() => postgres("postgres://h/d", { listenUrl: url }), asRefused(wanted));
    await assert.rejects(openStore({ database: url }), { code: "DATABASE_OPTION" });
  }
});
