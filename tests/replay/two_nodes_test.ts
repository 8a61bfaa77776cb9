/**
 * Holds the table to its word: two processes with other zones, languages, environments, arguments
 * and another order of loading see the same in every row.
 *
 * @module
 */

import assert from "node:assert/strict";
import { RULES } from "../../src/replay/rules.ts";

interface Seen {
  readonly rows: Readonly<Record<string, string>>;
  readonly own: {
    readonly hours: number;
    readonly local: number;
    readonly zone: string;
    readonly times: readonly (number | null)[];
    readonly args: readonly string[];
    readonly pid: number;
  };
}

async function node(args: readonly string[], env: Record<string, string>): Promise<Seen> {
  const program = new URL("./fixtures/node.ts", import.meta.url);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", program.href, ...args],
    env: { NO_COLOR: "1", ...env },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const [tokyo, york, utc] = await Promise.all([
  node(["package first"], { TZ: "Asia/Tokyo", LANG: "ja_JP.UTF-8", LC_ALL: "ja_JP.UTF-8" }),
  node(["module first", "more"], { TZ: "America/New_York", LANG: "tr_TR.UTF-8", EXTRA: "1" }),
  node(["package first"], { TZ: "UTC", LANG: "en_US.UTF-8" }),
]);

Deno.test("the processes differ, as far as they see themselves", () => {
  assert.notEqual(tokyo.own.hours, york.own.hours);
  assert.notEqual(tokyo.own.local, york.own.local);
  assert.notDeepEqual(tokyo.own.times, york.own.times);
  assert.notDeepEqual(tokyo.own.args, york.own.args);
  assert.notEqual(tokyo.own.pid, york.own.pid);
  assert.deepEqual([tokyo.own.zone, york.own.zone], ["Asia/Tokyo", "America/New_York"]);
});

for (const { name, action } of RULES) {
  if (name.startsWith("console.")) continue;
  Deno.test(`workflow code sees the same of ${name} on every node`, () => {
    const row = tokyo.rows[name];
    assert.notEqual(row, undefined);
    assert.equal(york.rows[name], row);
    assert.equal(utc.rows[name], row);
    if (row === "'not in this runtime'" || row === '"not in this runtime"') return;
    if (action === "refuse") assert.equal(row, "refused: NONDETERMINISTIC_CALL");
    else assert.doesNotMatch(row!, /^refused/);
  });
}

Deno.test("what a module keeps at its top level leads round no row", () => {
  const keptBy = ({ rows }: Seen) =>
    Object.fromEntries(Object.entries(rows).filter(([name]) => name.startsWith("kept: ")));
  assert.deepEqual(keptBy(tokyo), keptBy(york));
  assert.equal(tokyo.rows["kept: a refusal in a snapshot"], "refused: NONDETERMINISTIC_CALL");
  assert.equal(tokyo.rows["kept: the environment"], "[ undefined, false, [] ]");
});

Deno.test("a time without a zone is read as a process in UTC reads it", () => {
  assert.equal(york.rows["Date.parse"], Deno.inspect(utc.own.times.map((at) => at ?? NaN)));
});
