/**
 * What a bundle holds comes back as it was written, and nothing that was changed is opened, even by
 * someone who makes the file anew.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { sha256Hex } from "../../src/base/encoding.ts";
import { codeOf, contentOf, runOf } from "../../src/bundle/bundle.ts";
import { canonicalJson } from "../../src/bundle/canonical.ts";
import type { BundleContent, BundledRun } from "../../src/bundle/content.ts";
import { packFile, unpackFile } from "../../src/bundle/file.ts";
import type { RunHistory } from "../../src/bundle/history.ts";
import { openBundle } from "../../src/bundle/read.ts";
import { writeBundle } from "../../src/bundle/write.ts";
import { refused } from "../support/scene.ts";
import { HASH, MANIFEST, MEMBER, partsOf } from "./parts.ts";

const text = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());
const time = fc.nat({ max: 2 ** 40 });
const maybe = fc.option(text);

const histories: fc.Arbitrary<RunHistory> = fc.record({
  format: fc.constant("continuum.history" as const),
  formatVersion: fc.constant(1 as const),
  runId: fc.constant("o-1"),
  workflow: text,
  version: fc.constant(HASH),
  generation: fc.constant(0),
  attempt: fc.nat(),
  startedAt: time,
  seed: text,
  input: text,
  state: fc.constantFrom("suspended" as const, "completed" as const),
  result: maybe,
  error: maybe,
  events: fc.array(fc.record({
    seq: fc.nat(),
    kind: fc.constantFrom("step.completed" as const, "patched" as const),
    position: fc.option(fc.nat()),
    name: text,
    digest: maybe,
    payload: maybe,
    at: time,
  })),
});

const runs: fc.Arbitrary<BundledRun> = fc.record({
  runId: fc.constant("o-1"),
  namespace: text,
  workflow: text,
  facts: fc.record({
    state: fc.constantFrom("suspended" as const, "completed" as const),
    versionLabel: maybe,
    specifier: text,
    attributes: fc.dictionary(text, fc.oneof(text, fc.boolean(), fc.array(text))),
    customStatus: maybe,
    stuckReason: fc.option(fc.record({ code: text, message: text })),
    waits: fc.array(
      fc.record({ kind: text, name: text, position: fc.nat(), until: fc.option(time) }),
    ),
    node: maybe,
    wakeAt: fc.option(time),
    attempt: fc.nat(),
    failure: maybe,
    deadline: fc.option(time),
    policy: maybe,
    parentId: maybe,
    createdAt: time,
    startedAt: fc.option(time),
    since: fc.option(time),
    endedAt: fc.option(time),
  }),
  generations: fc.array(histories, { minLength: 1, maxLength: 1 }),
  inbox: fc.array(fc.record({
    kind: fc.constantFrom("signal" as const, "activity.completed" as const),
    name: text,
    position: fc.option(fc.nat()),
    payload: maybe,
  })),
  tasks: fc.array(fc.record({
    position: fc.nat(),
    name: text,
    queue: text,
    attempt: fc.nat(),
    failures: fc.array(fc.record({ attempt: fc.nat(), at: time, error: text })),
    state: fc.constantFrom("ready" as const, "leased" as const),
    node: maybe,
    availableAt: time,
    heartbeat: maybe,
  })),
  loadFailures: fc.array(
    fc.record({ node: text, reason: fc.record({ code: text, message: text }) }),
  ),
  timelines: fc.constant([]),
}, { noNullPrototype: true });

/** A bundle, and the same file made anew with a change in its content. */
async function changed(change: (content: BundleContent) => unknown): Promise<Uint8Array> {
  const [run] = fc.sample(runs, { seed: 1, numRuns: 1 });
  const file = await writeBundle(partsOf(run!));
  const content = JSON.parse(await unpackFile(file, 2 ** 20));
  change(content);
  return await packFile(canonicalJson(content));
}

// deno-lint-ignore no-explicit-any
type Loose = any;

Deno.test("a bundle that was written opens with the same content", async () => {
  await fc.assert(
    fc.asyncProperty(runs, async (run) => {
      const parts = partsOf(run);
      const bundle = await openBundle(await writeBundle(parts));
      assert.deepEqual(contentOf(bundle).runs, JSON.parse(JSON.stringify(parts.runs)));
      assert.deepEqual(bundle.history(), JSON.parse(JSON.stringify(run.generations[0])));
      const { manifest, bytes } = codeOf(bundle, HASH);
      assert.deepEqual([manifest.text, bytes], [MANIFEST, parts.members]);
      assert.equal(bundle.redacted, null);
    }),
    { numRuns: 50 },
  );
});

Deno.test("a bundle of a newer format is refused, with both versions of the format", async () => {
  const file = await changed((content: Loose) => {
    content.formatVersion = 2;
    content.runs = "of another form";
  });
  await refused(openBundle(file), "BUNDLE_TOO_NEW", "version 2", "at most 1");
});

Deno.test("a changed part is refused by its name, even if the file was made anew", async () => {
  for (
    const [change, code, word] of [
      [(c: Loose) => c.runs[0].generations[0].seed += "x", "BUNDLE_CHANGED", 'run "o-1"'],
      [(c: Loose) => c.versions[0].manifest += "x", "BUNDLE_CHANGED", "the manifest of version"],
      [(c: Loose) => c.members[MEMBER] = btoa("x"), "BUNDLE_CHANGED", `module ${MEMBER}`],
      [(c: Loose) => c.members[MEMBER] = "%", "BUNDLE_FORMAT", "no base64"],
      [(c: Loose) => c.members = {}, "BUNDLE_MEMBER", "it lacks a module"],
      [
        (c: Loose) => c.members[sha256Hex("x")] = btoa("x"),
        "BUNDLE_MEMBER",
        "no manifest lists",
      ],
      [(c: Loose) => c.versions = [], "BUNDLE_FORMAT", "generation 0"],
      [(c: Loose) => c.versions.push(c.versions[0]), "BUNDLE_FORMAT", "a version twice"],
      [(c: Loose) => c.digests = [], "BUNDLE_FORMAT", "0 digests of 1 runs"],
      [(c: Loose) => delete c.runs[0].facts.state, "BUNDLE_FORMAT", "runs[0].facts.state"],
      [(c: Loose) => c.runs[0].generations[0].events = [{}], "BUNDLE_FORMAT", "events[0].seq"],
      [(c: Loose) => c.format = "x", "BUNDLE_FORMAT", 'the format "x"'],
    ] as const
  ) {
    await refused(openBundle(await changed(change)), code, word);
  }
});

Deno.test("content that is no canonical JSON is refused", async () => {
  for (const [text, word] of [["", "no JSON"], ["3", "found 3"], ["null", "found null"]] as const) {
    await refused(openBundle(await packFile(text)), "BUNDLE_FORMAT", word);
  }
  const text = await unpackFile(new Uint8Array(await changed(() => {})), 2 ** 20);
  await refused(openBundle(await packFile(`${text} `)), "BUNDLE_FORMAT", "not canonical");
  const deep = text.replace(
    '"attributes":{',
    `"attributes":{"a":${"[".repeat(500)}${"]".repeat(500)},`,
  )
    .replace(",}", "}");
  await refused(openBundle(await packFile(deep)), "BUNDLE_FORMAT", "levels deep");
});

Deno.test("a run or a generation that a bundle lacks is refused, with what it holds", async () => {
  const bundle = await openBundle(await changed(() => {}));
  assert.throws(() => runOf(bundle, "o-2"), { code: "BUNDLE_NO_RUN", message: /found "o-1"/ });
  assert.throws(() => bundle.history({ generation: 7 }), { code: "BUNDLE_NO_RUN" });
  assert.throws(() => codeOf(bundle, "0".repeat(64)), { code: "BUNDLE_NO_CODE" });
});
