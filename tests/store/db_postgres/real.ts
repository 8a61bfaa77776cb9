/**
 * The adapter for `jsr:@db/postgres` on the package itself: `deno task test:jsr`. Its name keeps it
 * out of `deno task test`, which needs nothing of JSR.
 *
 * @module
 */

import { PARTS } from "../conformance/all.ts";
import { dbPostgresSuite, type OwnPool } from "./suite.ts";

const PACKAGE = "jsr:@db/postgres@0.19.5";

interface Package {
  readonly Pool: new (options: unknown, size: number, lazy: boolean) => OwnPool;
}

const loaded = await import(PACKAGE).then(
  (module: Package) => module,
  (error: Error) => error,
);

if (loaded instanceof Error) {
  const [reason] = loaded.message.split("\n");
  Deno.test("@db/postgres itself", () => {
    throw new Error(`Nothing was tested: cannot load ${PACKAGE}: ${reason}`);
  });
} else {
  dbPostgresSuite(
    ({ size, ...options }) => new loaded.Pool({ ...options, tls: { enabled: false } }, size, true),
    (name, fn) => Deno.test(`@db/postgres itself: ${name}`, fn),
    PARTS,
  );
}
