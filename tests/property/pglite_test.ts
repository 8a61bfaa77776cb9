/**
 * Random workflows on PGlite.
 *
 * @module
 */

import assert from "node:assert/strict";
import { virtualPglite } from "../support/virtual_database.ts";
import type { EndedRun } from "./ended_runs.ts";
import { assertAlike, familiesOf, isDetermined } from "./compare.ts";
import { assertProperty, executeAndCheck, forEachFamily, type Property } from "./property.ts";
import { COLD, CROWDED, EXPIRED, FORKED, LOSSY, PAUSED, RESIDENT } from "./execution_modes.ts";
import { countOf } from "../support/thoroughness.ts";

/** Fewer scenarios may show nothing of one kind. */
const FEW = 30;

Deno.test("random workflows end the same way, resident throughout or parked at each wait", async () => {
  let [drawn, compared] = [0, 0];
  const compare: Property = async (open, scenarios) => {
    const resident = familiesOf(await executeAndCheck(open, scenarios, RESIDENT));
    const cold = familiesOf(await executeAndCheck(open, scenarios, COLD));
    drawn += scenarios.length;
    await forEachFamily(resident, (family, root) => {
      if (!isDetermined(family)) return;
      compared++;
      assertAlike(family, cold.get(root)!);
    });
  };
  await assertProperty(countOf(600), virtualPglite, compare);
  if (drawn < FEW) return; // some that were asked for by name
  // How many of 300 can be compared is chance, 98 to 137: more are drawn until it is enough.
  const enough = countOf(200);
  while (compared <= enough && drawn < countOf(1_200)) {
    await assertProperty(countOf(300), virtualPglite, compare);
  }
  assert.ok(compared > enough, `${compared} of ${drawn} compared`);
});

Deno.test("two executions compare alike though a second generation's seed marks its children", async () => {
  const startsChild = { op: "startChild", program: [], close: "abandon", then: "result" } as const;
  const scenario = { seed: 1, generations: [[], [startsChild]], deeds: [] };
  const [one, other] = [
    familiesOf(await executeAndCheck(virtualPglite, [scenario], RESIDENT)).get("s1")!,
    familiesOf(await executeAndCheck(virtualPglite, [scenario], COLD)).get("s1")!,
  ];
  const idsOf = ({ runs }: typeof one) => new Set(runs.map(({ runId }) => runId));
  assert.equal(idsOf(one).union(idsOf(other)).size, 3, "the child is called differently");
  assertAlike(one, other);
});

Deno.test("random workflows are executed as promised where only few have room", async () => {
  await assertProperty(countOf(300), virtualPglite, async (open, scenarios) => {
    await executeAndCheck(open, scenarios, CROWDED);
  });
});

Deno.test("random workflows are executed as promised by a node that expires", async () => {
  await assertProperty(countOf(300), virtualPglite, async (open, scenarios) => {
    await executeAndCheck(open, scenarios, EXPIRED);
  });
});

Deno.test("random workflows are executed as promised, also if they are paused and resumed", async () => {
  await assertProperty(countOf(150), virtualPglite, async (open, scenarios) => {
    await executeAndCheck(open, scenarios, PAUSED);
  });
});

Deno.test("random workflows are executed as promised, also if they are forked at random events, or reopened after they failed", async () => {
  await assertProperty(countOf(150), virtualPglite, async (open, scenarios) => {
    const { runs } = await executeAndCheck(open, scenarios, FORKED);
    if (scenarios.length < FEW) return; // some that were asked for by name
    const forks = runs.filter(({ runId }) => runId.includes(">fork."));
    assert.ok(forks.length >= scenarios.length, `${forks.length} forks of ${scenarios.length}`);
    const isReopened = ({ generations }: EndedRun) =>
      generations.at(-1)!.events.some(({ kind }) => kind === "version.changed");
    assert.ok(runs.some(isReopened), "some failed, and were reopened");
  });
});

Deno.test("random workflows are executed as promised though answers are lost and statements fail", async () => {
  await assertProperty(countOf(100), virtualPglite, async (open, scenarios) => {
    await executeAndCheck(open, scenarios, LOSSY);
  });
});
