/** What happens often is looked at some times a second. */
import assert from "node:assert/strict";
import { Pace, Sample } from "../../src/telemetry/pace.ts";

/** How many of so many a second are looked at, second by second. */
function looks(rates: readonly number[], most = 100): number[] {
  const pace = new Pace();
  const sample = new Sample(pace, most);
  return rates.map((rate, second) => {
    pace.tick(second * 1_000);
    let looked = 0;
    for (let n = 0; n < rate; n++) if (sample.isDue()) looked++;
    return looked;
  });
}

Deno.test("PACE-1: each of up to a hundred in a second is looked at", () => {
  assert.deepEqual(looks([100, 1, 99, 0, 50]), [100, 1, 99, 0, 50]);
});

Deno.test("PACE-1: of more, about a hundred are, also in the first second", () => {
  const [first, ...later] = looks([20_000, 20_000, 20_000, 40_000, 20_000]);
  assert.ok(first! > 100 && first! < 700, `${first} in the first second`);
  for (const looked of [later[0]!, later[1]!]) {
    assert.ok(looked > 70 && looked < 140, `${looked} in a second`);
  }
  assert.ok(later[2]! > 70 && later[2]! < 280, `${later[2]} in a second with twice as many`);
});

Deno.test("PACE-1: what was very many and is few now is looked at each time", () => {
  assert.deepEqual(looks([20_000, 3, 3]).slice(2), [3]);
  const pace = new Pace();
  const sample = new Sample(pace, 100);
  pace.tick(0);
  for (let n = 0; n < 20_000; n++) sample.isDue();
  pace.tick(60_000);
  assert.deepEqual([sample.isDue(), sample.isDue()], [true, true], "after a pause");
});

Deno.test("PACE-1: what is looked at stands for the others, whatever their pattern", () => {
  const pace = new Pace();
  const sample = new Sample(pace, 100);
  const looked = [0, 0, 0, 0];
  for (let second = 0; second < 20; second++) {
    pace.tick(second * 1_000);
    for (let n = 0; n < 8_000; n++) if (sample.isDue() && second > 0) looked[n % 4]!++;
  }
  for (const count of looked) assert.ok(count > 380 && count < 620, `${looked} of four in turns`);
});
