/**
 * `deno task releases`: the tests of the store and of the engine on each release of Postgres that is
 * supported, one after the other. Arguments name other tests.
 *
 * @module
 */

import { startPostgres } from "../tests/support/embedded_postgres.ts";
import { RELEASES } from "../tests/support/postgres_binaries.ts";

const TESTS = [
  ...["tests/store", "tests/engine", "tests/schedule", "tests/client/query_test.ts"],
  ...["tests/e2e/hostile_role_test.ts", "tests/e2e/pooler_test.ts", "tests/docs/roles_test.ts"],
];

let failed = 0;
for (const release of RELEASES) {
  // deno-lint-ignore no-console -- what a person reads
  console.log(`Postgres ${release}`);
  await using server = await startPostgres({ release });
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", new URL("./test.ts", import.meta.url).pathname, "--no-check"],
      ...Deno.args.length > 0 ? Deno.args : TESTS,
    ],
    env: { DATABASE_URL: server.url },
  }).spawn().status;
  if (code !== 0) failed++;
}
Deno.exit(failed === 0 ? 0 : 1);
