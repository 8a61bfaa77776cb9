/**
 * The demo tells its story, with processes that really die.
 *
 * @module
 */

import assert from "node:assert/strict";
import { postgresUrl } from "../support/database.ts";
import { PROJECT } from "../support/project.ts";
import { deno } from "../support/processes.ts";

const TABLE = [
  /^order-1 {2}1\.0\.0 {4}([0-9a-f]{12}) {2}archive {4}charged 30 EUR at once$/m,
  /^order-2 {2}2\.0\.0 {4}([0-9a-f]{12}) {2}url {8}charged 3 instalments of 12 EUR$/m,
  /^order-3 {2}1\.0\.0 {4}([0-9a-f]{12}) {2}archive {4}charged 30 EUR at once$/m,
];

async function tell(...args: string[]): Promise<void> {
  const demo = new URL("examples/demo/main.ts", PROJECT).href;
  const { output, errors, code } = await deno(["run", "-A", demo, ...args]);
  assert.equal(code, 0, output + errors);

  const killed = /process (\d+) is gone: (\w+)/.exec(output);
  const heir = /process (\d+) is ready/.exec(output);
  assert.equal(killed?.[2], "SIGKILL", "the worker is killed");
  assert.match(heir?.[1] ?? "", /^\d+$/);
  assert.notEqual(heir?.[1], killed?.[1], "another process continues the run");

  assert.match(output, /order-3 is parked as stuck_unknown_version/);
  assert.match(output, /url http:\/\/127\.0\.0\.1:\d+\/order@1\.0\.0\/order\.ts: .*says 404/);
  assert.match(
    output,
    /archive: Cannot accept the archived bytes of .*: found [0-9a-f]{12}, wanted/,
  );

  const hashes = TABLE.map((row) => {
    const found = row.exec(output);
    assert(found !== null, `${row} in:\n${output}`);
    return found[1];
  });
  assert.equal(hashes[0], hashes[2]);
  assert.notEqual(hashes[0], hashes[1]);
  assert.equal(errors, "");
}

Deno.test("the demo finishes its runs across a deploy, a dead URL and a kill, on PGlite", () =>
  tell());

Deno.test("the demo finishes its runs across a deploy, a dead URL and a kill, on Postgres", () =>
  tell("--database", postgresUrl()));
