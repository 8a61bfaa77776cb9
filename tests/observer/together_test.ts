/**
 * Two people act on the same thing, at once or one after the other: the answer to each says what became of
 * that person's deed, and both records of what was done say the same.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type AuditEntry, RIGHTS } from "../../src/observer/mod.ts";
import { forEachDatabase } from "../support/database.ts";
import { eventually, reached, resultOf } from "../support/runs.ts";
import { type Scene, scene, source } from "../support/scene.ts";
import { observe, type Observed } from "./observed.ts";
import { elements, fieldsOf, text } from "./pages.ts";

const NAMES = ["ana", "ben"] as const;

/** Versions that replay each other's histories. */
const JOB = (second: string) =>
  source(
    `await ctx.run("one", () => 1); return [await ctx.waitForSignal("go"), "${second}"];`,
    `{ name: "job" }`,
  );

const FILES = {
  "random.ts": source(`await fetch("https://rates.example/"); return 1;`, `{ name: "rates" }`),
  "old/job.ts": JOB("old"),
  "new/job.ts": JOB("new"),
};

/** The fields of a form. */
type Entered = Readonly<Record<string, string | readonly string[]>>;

/** What a page says of an upgrade. */
interface Job {
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** The answer to one of the two, and what the two records say. */
interface Answered {
  readonly status: number;
  /** What the page says to someone whose deed was not done. */
  readonly page: string;
  /** The outcome in what `audit` was given; `null`: the deed was not begun. */
  readonly audited: string | null;
  /** The outcomes in the record of the database. */
  readonly recorded: readonly string[];
}

/** Two people who look at the same pages. */
class Two {
  readonly #set: Scene;
  readonly #audit: AuditEntry[] = [];
  readonly #people: readonly Observed[];

  constructor(set: Scene) {
    this.#set = set;
    this.#people = NAMES.map((name) =>
      observe(set.node, {
        access: () => ({ name, may: RIGHTS }),
        audit: (entry) => void this.#audit.push(entry),
      })
    );
  }

  /** Both look at the page of an action, and then both send its form. */
  async act(
    path: string,
    entered: Entered,
    inTurn: boolean,
  ): Promise<Answered[]> {
    const { operations } = this.#set.node;
    const before = (await operations.list()).operations.length;
    this.#audit.length = 0;
    const forms: Entered[] = [];
    for (const person of this.#people) {
      forms.push({ ...fieldsOf(await person.page(path)), reason: "r", ...entered });
    }
    const post = async (index: number) => {
      const answer = await this.#people[index]!.ask(path.split("?")[0]!, { form: forms[index]! });
      return { status: answer.status, page: await answer.text() };
    };
    const answers = inTurn
      ? [await post(0), await post(1)]
      : await Promise.all(NAMES.map((_, index) => post(index)));
    const entries = (await operations.list()).operations;
    const fresh = entries.slice(0, entries.length - before);
    return answers.map((answer, index) => {
      const name = NAMES[index]!;
      const mine = this.#audit.filter(({ by }) => by === name);
      assert(mine.length <= 1, path);
      const recorded = fresh.filter((entry) => entry.as === name).map(({ outcome }) => outcome);
      return { ...answer, audited: mine[0]?.outcome ?? null, recorded };
    });
  }
}

/** Holds an answer to the records: the person whose answer says that it is done has done it. */
function checkTruth(answer: Answered, what: string): void {
  const { status, page, audited, recorded } = answer;
  const said = JSON.stringify({ status, audited, recorded });
  if (status === 303) {
    assert.equal(audited, "done", `${what}: ${said}`);
    assert(recorded.length > 0, `${what}: ${said}`);
    for (const each of recorded) assert.match(each, /^(?:done|unchanged|begun)$/, what);
    return;
  }
  assert.notEqual(audited, "done", `${what}: ${said}`);
  assert(!recorded.includes("done"), `${what}: ${said}`);
  const [main] = elements(page, "<main>");
  assert.match(
    text(main!),
    /has changed since you looked|nothing was done|as it was|has ended|no run has the id|no schedule has the id|no denial names it|already|found one of workflow|is (?:running|pending)|Not found/,
    `${what}: ${said}`,
  );
}

forEachDatabase("two people who act on the same thing", (database, test) => {
  for (const inTurn of [false, true]) {
    const how = inTurn ? "one after the other" : "at once";
    test(`${how}: each reads what became of it, and the audit has both`, async () => {
      await using set = await scene(database, FILES);
      const { node } = set;
      const two = new Two(set);
      const both = async (
        path: string,
        entered: Entered = {},
      ): Promise<number[]> => {
        const answers = await two.act(path, entered, inTurn);
        for (const [index, each] of answers.entries()) {
          checkTruth(each, `${how}, ${NAMES[index]}: ${path}`);
        }
        assert(answers.some(({ status }) => status === 303), `${how}: neither has done ${path}`);
        return answers.map(({ status }) => status);
      };
      const once = async (path: string, entered?: Entered) => {
        const [done, ...others] = (await both(path, entered)).sort();
        if (inTurn) assert(done !== others[0], `both answers say that it is done: ${path}`);
      };
      const waits = async (id: string): Promise<string> => {
        await reached(await node.start("echo", { wait: "go" }, { runId: id }), "suspended");
        return `/runs/${id}`;
      };

      await both(`${await waits("cancelled")}/cancel`);
      await once(`${await waits("ended")}/terminate`);
      await once(`${await waits("paused")}/pause`);
      await once("/runs/paused/resume");
      await reached(node.run("paused"), "suspended");
      await both(`${await waits("gone")}/signal`, { name: "go", payload: "1" });
      await resultOf(node.run("gone"));
      await both("/runs/gone/fork?at=0&id=fork");
      await once("/runs/gone/delete");
      await once("/start", { workflow: "echo", input: "1", id: "started" });
      await reached(await node.start("rates", null, { runId: "parked" }), "stuck_nondeterminism");
      await both("/runs/parked/retry");
      const ids = ["many-1", "many-2"];
      for (const id of ids) await waits(id);
      await once(`/bulk/terminate?${ids.map((id) => `id=${id}`).join("&")}`, { id: ids });
      for (const id of ids) assert.equal((await node.run(id).status()).state, "terminated");

      await node.schedules.create({ id: "daily", workflow: "echo", every: "1d" });
      await once("/schedules/daily/pause");
      await once("/schedules/daily/resume");
      await both("/schedules/daily/trigger");
      await once("/schedules/daily/delete");

      const { findings: [finding] } = await node.health();
      await once(`/health/acknowledge?fingerprint=${finding!.fingerprint}`);
      const { versions: [rates] } = await node.versions.list({ workflow: "rates" });
      await once(`/versions/${rates!.hash}/deny`);
      await once(`/versions/${rates!.hash}/allow`);
    });
  }

  test("an upgrade that two people begin at once moves each run once, and says so to both", async () => {
    await using set = await scene(database, FILES);
    const { node } = set;
    const two = new Two(set);
    const { versions } = await node.versions.list({ workflow: "job" });
    const [current, old] = ["current", "old"].map((kind) =>
      versions.find((version) => version.current === (kind === "current"))!.hash
    );
    await node.versions.activate("job", old!);
    for (const runId of ["j-1", "j-2", "j-3"]) {
      await reached(await node.start("job", null, { runId }), "suspended");
    }
    await node.versions.activate("job", current!);
    for (const answer of await two.act("/runs/j-1/upgrade", {}, false)) {
      checkTruth(answer, "upgrade");
    }
    assert.equal((await node.run("j-1").status()).version.hash, current);
    const path = "/upgrade/apply?workflow=job";
    const answers = await two.act(path, { workflow: "job" }, false);
    for (const each of answers) checkTruth(each, path);
    const observed = observe(node);
    const jobs = await eventually(async () => {
      const { jobs }: { readonly jobs: readonly Job[] } = await observed.json("/upgrade");
      return jobs.every(({ state }) => state === "done") ? jobs : undefined;
    }, () => "upgrades that are done");
    assert.equal(jobs.length, answers.filter(({ status }) => status === 303).length);
    const sum = (word: string) => jobs.reduce((all, { counts }) => all + counts[word]!, 0);
    assert.deepEqual([sum("moved"), sum("changed")], [2, 2 * (jobs.length - 1)]);
    for (const id of ["j-2", "j-3"]) {
      assert.equal((await node.run(id).status()).version.hash, current);
    }
  });
});
