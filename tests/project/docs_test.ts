/**
 * The pages say what is there: their programs have types and run, their links lead somewhere, their
 * commands exist.
 *
 * @module
 */

import assert from "node:assert/strict";
import { deno } from "../support/processes.ts";
import { PROJECT, projectFiles } from "../support/project.ts";
import { makeFolder } from "../support/modules.ts";

interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** What fragments take as given: an application in the middle of its work. */
const GIVEN = `
import type { Continuum, RunHandle } from "@continuum/continuum";
import type { ActivityDefinition, WorkflowContext } from "@continuum/continuum/workflow";

declare global {
  var ctx: WorkflowContext;
  var continuum: Continuum;
  var run: RunHandle<string>;
  var order: Order;
  var charge: ActivityDefinition<Order, string>;
  var token: string;
  var payments: { charge(order: Order, options: { signal: AbortSignal }): Promise<string> };
  var mail: { send(to: string, text: string): Promise<void> };

  interface Order {
    readonly id: string;
    readonly amount: number;
  }
  interface Doc {
    readonly owner: string;
  }
}`;

const NAMES = [
  ...["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md"],
  ...["tests/FEATURES.md", "bench/JOURNAL.md"],
  ...await projectFiles("docs", ".md"),
];
const pages = new Map<string, string>();
for (const name of NAMES) pages.set(name, await Deno.readTextFile(new URL(name, PROJECT)));
const { imports, tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", PROJECT)));
const blocks = [...pages].flatMap(([page, text]) => blocksOf(page, text));

/** A project with this one in it, as `deno add` makes it, and the programs of all pages. */
async function makeProject() {
  const files: Record<string, string> = { "given.ts": GIVEN };
  for (const { page, line, language, text } of blocks) {
    if (language !== "ts") continue;
    const folder = page.replaceAll("/", "_").replace(".md", "");
    const path = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1] ?? `line_${line}.ts`;
    files[`${folder}/${path}`] = /^(im|ex)port /m.test(text) ? text : `${text}\nexport {};\n`;
  }
  return await makeFolder({
    ...files,
    "deno.json": JSON.stringify({
      links: [decodeURIComponent(PROJECT.pathname)],
      imports: {
        "@continuum/continuum": "jsr:@continuum/continuum@^0.1.0",
        "@logtape/logtape": imports["@logtape/logtape"],
        "pg": imports["pg"],
      },
    }),
  });
}

Deno.test("every piece of TypeScript on the pages has types, as it stands", async () => {
  assert(blocks.filter(({ language }) => language === "ts").length > 15);
  await using folder = await makeProject();
  const { errors, code } = await deno(["check", "--quiet", "."], {
    cwd: new URL(folder.url).pathname,
  });
  assert.equal(code, 0, errors);
});

Deno.test("every link between the pages leads to a file, and to a heading that is there", async () => {
  const broken: string[] = [];
  for (const [page, text] of pages) {
    for (const [, link] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link!)) continue;
      const url = new URL(link!, new URL(page, PROJECT));
      const path = url.pathname.slice(PROJECT.pathname.length);
      const target = pages.get(path === "" ? page : path);
      const isThere = url.hash === ""
        ? await exists(url)
        : target !== undefined && anchorsOf(target).includes(url.hash.slice(1));
      if (!isThere) broken.push(`${page}: ${link}`);
    }
  }
  assert.deepEqual(broken, []);
});

Deno.test("every source file that the pages name is there", async () => {
  const folders = ["bench", "docs", "examples", "migrations", "src", "tests", "tools"];
  const files = await Promise.all(folders.map((folder) => projectFiles(folder, "")));
  const missing: string[] = [];
  for (const [page, text] of pages) {
    for (const [, name] of withoutCode(text).matchAll(/`(\w[\w/*]*\/[\w*]+\.(?:mjs|sql|ts))`/g)) {
      const path = new RegExp(`(^|/)${name!.replace(".", "\\.").replaceAll("*", "[^/]*")}$`);
      if (!files.flat().some((file) => path.test(file))) missing.push(`${page}: ${name}`);
    }
  }
  assert.deepEqual(missing, []);
});

Deno.test("every page of docs/ is in their list", () => {
  const list = pages.get("docs/README.md") ?? "";
  const missing = NAMES.filter((name) => name.startsWith("docs/") && name !== "docs/README.md")
    .filter((name) => !list.includes(`](${name.slice("docs/".length)})`));
  assert.deepEqual(missing, []);
});

Deno.test("every file and task that the pages' commands name is there", async () => {
  const missing: string[] = [];
  const commands = [...pages].flatMap(([page, text]) => [
    ...[...withoutCode(text).matchAll(/`(deno [^`]+)`/g)].map(([, command]) => [page, command!]),
    ...blocks.filter((block) => block.page === page && block.language === "sh")
      .flatMap((block) => block.text.split("\n")).map((command) => [page, command]),
  ]);
  for (const [page, command] of commands) {
    for (const [, name] of command!.matchAll(/deno task (\w+)/g)) {
      if (!(name! in tasks)) missing.push(`${page}: deno task ${name}`);
    }
    for (const [path] of command!.matchAll(/\b(bench|examples|tests|tools)\/[\w/]+\.\w+/g)) {
      if (!await exists(new URL(path, PROJECT))) missing.push(`${page}: ${path}`);
    }
  }
  assert.deepEqual(missing, []);
});

function blocksOf(page: string, text: string): Block[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((found) => ({
    page,
    line: text.slice(0, found.index).split("\n").length + 1,
    language: found[1]!,
    text: found[2]!,
  }));
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```.*?^```$/gms, "");
}

/** As GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch {
    return false;
  }
}
