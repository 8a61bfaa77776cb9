/**
 * What every store promises about signatures of versions.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { StoredSignature } from "../../../src/ports/signatures.ts";
import type { DatabaseKind, RegisterTest } from "../../support/database.ts";
import { HASH, newWorld, register } from "../../support/store_rows.ts";

function signature(key: string, more: Partial<StoredSignature> = {}): StoredSignature {
  return {
    ...{ hash: HASH, workflow: "Bestellung %7 'ü'", key: key.repeat(32) },
    signature: "_-".repeat(43),
    ...more,
  };
}

export function signatures(database: DatabaseKind, test: RegisterTest): void {
  test("signatures are kept by version and key, before the version is registered and after", async () => {
    await using world = await newWorld(database);
    const { signatures } = world.store;
    assert.deepEqual(await signatures.add([]), []);
    const [a, b] = [signature("a"), signature("b")];
    assert.deepEqual(await signatures.add([b, a]), [HASH]);
    assert.deepEqual(await signatures.of(HASH, [], 9), [a, b]);
    await register(world.store);
    assert.deepEqual(await signatures.add([a, b]), [], "both were there");
    const again = signature("a", { signature: "A".repeat(86) });
    assert.deepEqual(await signatures.add([a, again]), [HASH], "of one key, the last counts");
    assert.deepEqual(await signatures.of(HASH, [], 9), [again, b]);
    assert.deepEqual(await signatures.of("b".repeat(64), [], 9), []);
    const [version] = await world.store.versions.page({ limit: 1, most: 1 });
    assert.deepEqual(version!.signatures, [again, b]);
  });

  test("signatures by keys that are asked for come first, and no more are read than wanted", async () => {
    await using world = await newWorld(database);
    const { signatures } = world.store;
    const all = ["a", "b", "c", "d"].map((key) => signature(key));
    await signatures.add(all);
    const asked = [all[3]!.key, "e".repeat(32)];
    assert.deepEqual(await signatures.of(HASH, asked, 2), [all[3], all[0]]);
  });

  test("rows that are no signature are refused by the database", async () => {
    await using world = await newWorld(database);
    const { signatures } = world.store;
    for (
      const wrong of [
        signature("a", { hash: "x" }),
        signature("g"),
        signature("a", { signature: "A".repeat(85) }),
        signature("a", { workflow: "a\0b" }),
      ]
    ) await assert.rejects(signatures.add([wrong]));
    assert.deepEqual(await signatures.of(HASH, [], 9), []);
  });
}
