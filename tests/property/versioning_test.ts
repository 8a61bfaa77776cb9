/**
 * Random workflows whose runs take new versions by themselves: a run is on the version that a model
 * says, moves exactly if its history replays there, and never diverges from its history.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../src/base/clock.ts";
import type { Continuum } from "../../src/continuum.ts";
import { POSTGRES } from "../support/database.ts";
import { eventually, resultOf } from "../support/runs.ts";
import { scene, source } from "../support/scene.ts";
import { countOf } from "../support/thoroughness.ts";

/** A step, or a wait for a signal, by its name. */
type Command = `run ${"a" | "b"}` | `signal ${"x" | "y"}`;

/** What a version asks for in each generation, in this order. */
type Program = readonly Command[];

interface Scenario {
  /** The versions of the workflow. */
  readonly programs: readonly [Program, Program, Program];
  readonly versioning: "auto" | "pinned";
  /** How many generations follow the first. */
  readonly left: number;
  /** Which version is made current before each signal, in turn. */
  readonly current: readonly number[];
}

const command: fc.Arbitrary<Command> = fc.constantFrom("run a", "run b", "signal x", "signal y");
const base = fc.array(command, { minLength: 1, maxLength: 4 });
const edit = fc.record({
  at: fc.nat({ max: 4 }),
  removed: fc.nat({ max: 1 }),
  put: fc.array(command, { maxLength: 2 }),
});

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  base,
  edits: fc.tuple(edit, edit),
  versioning: fc.constantFrom("auto", "auto", "auto", "pinned"),
  left: fc.nat({ max: 2 }),
  current: fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 8 }),
}).map(({ base, edits: [one, other], ...rest }) => {
  const second = edited(base, one);
  return { programs: [base, second, edited(second, other)].map(waiting) as never, ...rest };
});

function edited(
  program: Program,
  { at, removed, put }: { at: number; removed: number; put: Program },
) {
  return program.toSpliced(Math.min(at, program.length), removed, ...put);
}

/** A program that never waits would end before another version is current. */
function waiting(program: Program): Program {
  return program.some((part) => part.startsWith("signal")) ? program : [...program, "signal x"];
}

/** Both kinds of an offer, whatever is drawn. */
const EXAMPLES: readonly Scenario[] = [
  {
    programs: [["run a", "signal x", "run b"], ["run a", "signal x", "signal y"], [
      "run b",
      "signal x",
    ]],
    versioning: "auto",
    left: 1,
    current: [2, 1, 0],
  },
  {
    programs: [["signal x", "signal y"], ["signal x"], ["signal y", "run a"]],
    versioning: "auto",
    left: 1,
    current: [1, 2, 0],
  },
];

function moduleOf(name: string, version: number, program: Program): string {
  const lines = program.map((part) => {
    const [kind, what] = part.split(" ");
    const asked = kind === "run" ? `ctx.run("${what}", () => 0)` : `ctx.waitForSignal("${what}")`;
    return `await ${asked}; seen.push("${version} ${part}");`;
  });
  return source(
    `const seen = input.seen;
    ${lines.join("\n")}
    return input.left > 0 ? ctx.continueAsNew({ left: input.left - 1, seen }) : seen;`,
    `{ name: "${name}" }`,
  );
}

/** What must become of a run. */
class Model {
  readonly #scenario: Scenario;
  readonly #inbox: string[] = [];
  /** What the code saw in the generations that are over. */
  readonly seen: string[] = [];
  /** What was answered in this generation. */
  answered: Command[] = [];
  version = 0;
  generation = 0;
  changes = 0;
  /** The signal that it waits for; `null`: it has ended. */
  waits: string | null = null;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#goOn(0);
  }

  /** Another version is current, and a signal is sent. */
  receive(name: string, current: number): void {
    this.#inbox.push(name);
    const { programs, versioning } = this.#scenario;
    const replays = this.answered.every((part, index) => programs[current]![index] === part);
    if (versioning === "auto" && current !== this.version && replays) {
      this.version = current;
      this.changes++;
    }
    this.#goOn(current);
  }

  #goOn(current: number): void {
    const { programs, left } = this.#scenario;
    for (;;) {
      const part = programs[this.version]![this.answered.length];
      if (part === undefined) {
        // A generation is of one version: its code has seen all of it.
        this.seen.push(...this.answered.map((each) => `${this.version} ${each}`));
        this.waits = null;
        if (this.generation === left) return;
        this.generation++;
        [this.answered, this.changes, this.version] = [[], 0, current];
        continue;
      }
      if (part.startsWith("signal")) {
        const name = part.slice("signal ".length);
        const at = this.#inbox.indexOf(name);
        this.waits = name;
        if (at < 0) return;
        this.#inbox.splice(at, 1);
      }
      this.answered.push(part);
    }
  }
}

/** Lets the time in which a node does not ask which version is current (OFFER-3) pass. */
function skips() {
  const { monotonic } = systemClock;
  let skipped = 0;
  systemClock.monotonic = () => monotonic() + skipped;
  return {
    on: () => void (skipped += 1_001),
    [Symbol.dispose]: () => void (systemClock.monotonic = monotonic),
  };
}

async function check(node: Continuum, name: string, scenario: Scenario, skip: () => void) {
  const { versions } = await node.versions.list({ workflow: name });
  const hashOf = (version: number) =>
    versions.find(({ specifiers: [found] }) => found!.endsWith(`/${name}_${version}.ts`))!.hash;
  await node.versions.activate(name, hashOf(0));
  const model = new Model(scenario);
  const { versioning, left, current } = scenario;
  const run = await node.start(name, { left, seen: [] }, { runId: name, versioning });
  for (let turn = 0; model.waits !== null; turn++) {
    const told = () =>
      `stop of ${name}: ${JSON.stringify([scenario, turn, { ...model }, hashOf(model.version)])}`;
    await eventually(async () => {
      const { state, generation, events, waits, version } = await run.status();
      assert.doesNotMatch(state, /^(stuck|failed)/, told());
      const isThere = state === "suspended" && generation === model.generation &&
        events === model.answered.length + model.changes && waits[0]?.name === model.waits &&
        version.hash === hashOf(model.version);
      return isThere || undefined;
    }, told);
    const next = current[turn % current.length]!;
    await node.versions.activate(name, hashOf(next));
    skip();
    const { waits } = model;
    model.receive(waits, next);
    await run.signal(waits);
  }
  assert.deepEqual(await resultOf(run), model.seen, JSON.stringify(scenario));
  const changed = (await run.history()).filter(({ kind }) => kind === "version.changed");
  assert.equal(changed.length, model.changes, JSON.stringify(scenario));
}

Deno.test("OFFER-1: runs of random workflows move exactly where their history replays, and each generation is of one version", async () => {
  const seed = Math.floor(Math.random() * 0x7fffffff);
  const all = [...EXAMPLES, ...fc.sample(scenarios, { seed, numRuns: countOf(40) })];
  const named = all.map((scenario, index) => [`w${index}`, scenario] as const);
  const files = named.flatMap(([name, { programs }]) =>
    programs.map((program, version) =>
      [`${name}_${version}.ts`, moduleOf(name, version, program)] as const
    )
  );
  using skip = skips();
  const options = { linger: 0, lease: "1h" } as const;
  await using at = await scene(POSTGRES, Object.fromEntries(files), options);
  for (const [name, scenario] of named) await check(at.node, name, scenario, skip.on);
});
