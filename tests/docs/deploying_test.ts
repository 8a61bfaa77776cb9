/**
 * `docs/deploying.md`: every command is executed, in order, and prints what the page shows.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type CliProcess, CliWorld } from "../support/cli_world.ts";
import { eventually, makeSite, type Site } from "../support/runs.ts";
import { PROJECT } from "../support/project.ts";
import type { Continuum } from "../../src/continuum.ts";
import { source } from "../support/scene.ts";

/** Maps the package to the checkout, for modules that the process itself imports. */
const CONFIG = JSON.stringify({
  imports: { "@continuum/continuum/workflow": new URL("src/workflow/mod.ts", PROJECT).href },
});

const PAY = (version: string) =>
  source(
    `await ctx.waitForSignal("paid"); return "paid " + input + " on ${version}";`,
    `{ name: "pay", version: "${version}" }`,
  );

/** How many runs wait here where the page has 10,000, which takes a minute. */
const WAITING = 2_000;

/** What the page's remarks do, and wait for. */
const REMARKS: Readonly<Record<string, (reader: Reader) => unknown>> = {
  "# the CDN drops pay@1.0.0": ({ site }) => delete site.files["pay@1.0.0/pay.ts"],
  "# 10,000 runs wait on version 1": async (reader) => {
    const client = await reader.client();
    const items = Array.from({ length: WAITING }, (_, at) => {
      return { runId: `b-${at}`, input: { id: `b-${at}`, items: 3 } };
    });
    await client.startMany("order", items);
    const where = { workflow: "order", state: "suspended" } as const;
    await eventually(
      async () => await client.runs.count({ where }) === items.length || undefined,
      () => "runs that wait",
    );
  },
  "# after the first attempt": async (reader) =>
    await eventually(
      async () => (await (await reader.client()).run("w-1").status()).retrying[0],
      () => "failed attempt",
    ),
};

/** Follows the page: writes its files, runs its commands, and compares what they print. */
class Reader {
  readonly site: Site;
  readonly #world: CliWorld;
  readonly #workers: CliProcess[] = [];
  /** Names that stand for what differs from one run of the page to another. */
  readonly #names = new Map<string, string>();
  #printed: string[] = [];
  #client: Promise<Continuum> | undefined;

  constructor(world: CliWorld, site: Site) {
    this.#world = world;
    this.site = site;
  }

  /** A client of the page's database. */
  client(): Promise<Continuum> {
    return this.#client ??= this.#world.client();
  }

  async block(language: string, text: string): Promise<void> {
    if (language === "text") return this.#compare(text);
    if (language === "ts") {
      const [, path] = /^\/\/ (\S+)\n/.exec(text) ?? assert.fail(`no path: ${text}`);
      return await this.#world.folder.write({ [path!]: text });
    }
    if (language !== "sh") return;
    this.#printed = [];
    for (const line of text.trimEnd().split("\n")) await this.#line(line);
  }

  async #line(line: string): Promise<void> {
    if (line.startsWith("#")) {
      const act = REMARKS[line] ?? assert.fail(`the test does not know ${line}`);
      await act(this);
      return;
    }
    if (/^kill( -9)? %1$/.test(line)) {
      const worker = this.#workers.shift() ?? assert.fail(line);
      worker.kill(line.includes("-9") ? "SIGKILL" : "SIGTERM");
      const { code, error } = await worker.ended();
      if (!line.includes("-9")) assert.equal(code, 0, error);
      return;
    }
    const words = wordsOf(line.replace(/ # .*$/, "")).map((word) => this.#meant(word));
    assert.equal(words.shift(), "continuum", line);
    if (words.at(-1) === "&") {
      const worker = this.#world.spawn(words.slice(0, -1));
      this.#workers.push(worker);
      await worker.printed(/^serving /m); // as a person waits for the line
      return;
    }
    // Only a process of its own runs in the page's folder.
    const usesFiles = words.some((word) => word.endsWith(".jsonl") || word === "--trust");
    const { out, error, code } = await this.#world[usesFiles ? "run" : "here"](words);
    const [, wanted = "0"] = /# code (\d+)$/.exec(line) ?? [];
    assert.equal(code, Number(wanted), `${line}: ${error}`);
    if (out !== "") this.#printed.push(...out.trimEnd().split("\n"));
  }

  /**
   * Compares what was printed. `…` is any text, as a line any lines; a name in capitals stands for
   * the twelve digits that it first met.
   */
  #compare(text: string): void {
    const names: string[] = [];
    const lines = text.trimEnd().split("\n").map((line) => {
      if (line === "…") return "(?:.*\n)*?";
      const parts = line.split(/(…|HASH_\d)/).map((part) => {
        if (part === "…") return ".*";
        if (!part.startsWith("HASH_")) return RegExp.escape(part);
        const known = this.#names.get(part);
        if (known !== undefined) return known;
        names.push(part);
        return "([0-9a-f]{12})";
      });
      return `${parts.join("")}\n`;
    });
    const printed = `${this.#printed.join("\n")}\n`;
    const found = new RegExp(`^${lines.join("")}$`).exec(printed);
    assert.ok(found, `the page shows:\n${text}\nand this was printed:\n${printed}`);
    for (const [at, name] of names.entries()) this.#names.set(name, found[at + 1]!);
  }

  #meant(word: string): string {
    return word.replace("https://cdn.example/", this.site.url)
      .replace(/^8080$/, "0")
      .replaceAll(/HASH_\d/g, (name) => this.#names.get(name) ?? name);
  }
}

/** Splits a line as a shell does: words, and texts in single or double quotes. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => (a ?? b ?? c)!);
}

Deno.test("every command of docs/deploying.md does what the page shows", async (t) => {
  await using world = await CliWorld.make({ "deno.json": CONFIG });
  await using site = makeSite({
    "pay@1.0.0/pay.ts": PAY("1.0.0"),
    "pay@1.1.0/pay.ts": PAY("1.1.0"),
  });
  const reader = new Reader(world, site);
  const page = await Deno.readTextFile(new URL("docs/deploying.md", PROJECT));
  for (const section of page.split(/^## /m).slice(1)) {
    const blocks = [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
    assert.ok(blocks.length > 0, section);
    await t.step(section.slice(0, section.indexOf("\n")), async () => {
      for (const [, language, text] of blocks) await reader.block(language!, text!);
    });
  }
});
