/**
 * A project that knows this package from a registry alone follows the README to the letter.
 *
 * @module
 */

import assert from "node:assert/strict";
import { postgres } from "../../src/store/postgres/mod.ts";
import { postgresUrl } from "../support/database.ts";
import { PROJECT } from "../support/project.ts";
import { makeFolder } from "../support/modules.ts";
import { JsrRegistry } from "../support/jsr_registry.ts";
import { deno as denoHere, type Ended } from "../support/processes.ts";

const README = await Deno.readTextFile(new URL("README.md", PROJECT));

/** The block of the README whose first line says which file it is. */
function program(path: string): string {
  const block = README.split("```ts\n").find((text) => text.startsWith(`// ${path}\n`));
  assert(block !== undefined, `README.md shows ${path}`);
  return block.slice(0, block.indexOf("```"));
}

/** What `deno add` writes. */
const CONFIG = { imports: { "@continuum/continuum": "jsr:@continuum/continuum@^0.1.0" } };

let registry: JsrRegistry;
let published: Ended;

Deno.test.beforeAll(async () => {
  registry = await JsrRegistry.start();
  published = await registry.publish(decodeURIComponent(PROJECT.pathname));
});

Deno.test.afterAll(() => registry[Symbol.asyncDispose]());

/** Runs `deno` where the registry is JSR. */
function deno(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
) {
  return denoHere(args, { cwd, env: { ...registry.env, ...env } });
}

Deno.test("the package is published without a warning", () => {
  assert.doesNotMatch(published.errors + published.output, /warning\[|error\[/);
});

Deno.test("deno add finds the package, and writes the import that the README's programs use", async () => {
  await using folder = await makeFolder({ "deno.json": "{}" });
  const cwd = new URL(folder.url).pathname;
  const { code, errors } = await deno(["add", "--quiet", "jsr:@continuum/continuum"], { cwd });
  assert.equal(code, 0, errors);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(`${cwd}deno.json`)), CONFIG);
});

async function makeConsumer(config: object = CONFIG) {
  return await makeFolder({
    "deno.json": JSON.stringify(config),
    "workflows/order.ts": program("workflows/order.ts"),
    "main.ts": program("main.ts"),
  });
}

Deno.test("the README's first program runs as it stands, and again on what it left", async () => {
  await using folder = await makeConsumer();
  const cwd = new URL(folder.url).pathname;
  for (let time = 0; time < 2; time++) {
    const { output, errors, code } = await deno(["run", "-A", "main.ts"], { cwd });
    assert.equal(output, "Order o-1: charged 30 EUR\n", errors);
    assert.equal(code, 0);
  }
  assert((await Deno.stat(new URL(".continuum", folder.url))).isDirectory);
});

Deno.test("the README's first program runs on Postgres, with the permissions that the README names", async () => {
  const name = `consumer_${crypto.randomUUID().replaceAll("-", "")}`;
  const driver = await postgres(postgresUrl()).open();
  await driver.script(`create database ${name}`);
  try {
    await using folder = await makeConsumer();
    const cwd = new URL(folder.url).pathname;
    const url = new URL(postgresUrl());
    url.pathname = name;
    const permissions = [...README.matchAll(/^\| `(--allow-(?!sys|run)\w+)` +\|/gm)].map((
      [, flag],
    ) => flag!);
    assert.deepEqual(permissions.length, 4, permissions.join());
    const { output, errors } = await deno(["run", "--no-prompt", ...permissions, "main.ts"], {
      cwd,
      env: { DATABASE_URL: url.href },
    });
    assert.equal(output, "Order o-1: charged 30 EUR\n", errors);
  } finally {
    await driver.script(`drop database ${name} with (force)`);
    await driver.close();
  }
});

Deno.test("the README's commands run a workflow without a main program, as they stand", async () => {
  const name = `consumer_${crypto.randomUUID().replaceAll("-", "")}`;
  const driver = await postgres(postgresUrl()).open();
  await driver.script(`create database ${name}`);
  try {
    await using folder = await makeConsumer();
    await folder.write({
      "bin/continuum": `#!/bin/sh\nexec deno run -A -q jsr:@continuum/continuum/cli "$@"\n`,
    });
    const cwd = new URL(folder.url).pathname;
    await Deno.chmod(`${cwd}bin/continuum`, 0o755); // what `deno install` makes
    const url = new URL(postgresUrl());
    url.pathname = name;
    const [, block] = /\n```sh\n(export DATABASE_URL=[^]*?)\n```/.exec(README) ?? [];
    const script = block!.replace("postgres://localhost:5432/app", url.href);
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-e", "-c", `${script}\nwait $!; echo "worker: $?"`],
      cwd,
      env: {
        PATH: `${cwd}bin:${Deno.env.get("PATH")}`,
        CONTINUUM_SCHEMA: "",
        CONTINUUM_NAMESPACE: "",
        ...registry.env,
      },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.equal(code, 0, text(stderr));
    const lines = text(stdout).trimEnd().split("\n");
    for (const line of ["o-2", "delivered", '"Order o-2: charged 30 EUR"', "worker: 0"]) {
      assert.ok(lines.includes(line), `${line} in ${text(stdout)}${text(stderr)}`);
    }
  } finally {
    await driver.script(`drop database ${name} with (force)`);
    await driver.close();
  }
});

Deno.test("the command line runs without a network and with a frozen lock, once its complete graph is cached", async () => {
  const CLI = "jsr:@continuum/continuum/cli";
  await using folder = await makeFolder({ "deno.json": JSON.stringify(CONFIG) });
  const cwd = new URL(folder.url).pathname;
  const env = { DENO_DIR: `${cwd}deno_dir` };
  await Deno.mkdir(env.DENO_DIR);
  await Deno.symlink(`${registry.env.DENO_DIR}/npm`, `${env.DENO_DIR}/npm`);
  const first = await deno(["run", "-A", CLI, "--help"], { cwd, env });
  assert.match(first.output, /^Examples:\n/);
  const fetched = first.errors.match(/^Download .*\.ts$/gm)!;
  assert.ok(fetched.length <= 30, `${fetched.length} modules`);
  const run = (entry: string, ...words: readonly string[]) =>
    deno(["run", "-A", "--quiet", "--cached-only", "--frozen", entry, ...words], { cwd, env });
  const refused = await run(CLI, "completion", "bash");
  assert.equal(refused.code, 7, refused.errors);
  assert.match(refused.errors, /^NOT_LOADED: Cannot load http[^\n]+\/completion\.ts: [^\n]+/);
  assert.match(refused.errors, /\n {2}Let `deno cache jsr:@continuum\/continuum\/cli\/complete`/);
  const cached = await deno(["cache", "--quiet", `${CLI}/complete`], { cwd, env });
  assert.equal(cached.code, 0, cached.errors);
  const made = await run(CLI, "versions", "new-key", "key.pem"); // it imports most of the engine
  assert.equal(made.code, 0, made.errors);
  const { code, output, errors } = await run(`${CLI}/complete`, "completion", "bash");
  assert.equal(code, 0, errors);
  assert.match(output, /^# Completion of continuum for bash/);
});

Deno.test("the default database is reported once, where people see it, and no client accepts it", async () => {
  const main = `import { Continuum } from "@continuum/continuum";
    const database = Deno.env.get("NOT_SET");
    for (let time = 0; time < 2; time++) await (await Continuum.open({ database })).close();
    const refused = await Continuum.connect({ database }).catch((error) => error);
    console.log(refused.code, refused.message);`;
  await using folder = await makeFolder({ "deno.json": JSON.stringify(CONFIG), "main.ts": main });
  const cwd = new URL(folder.url).pathname;
  const { output, errors } = await deno(["run", "-A", "--quiet", "main.ts"], { cwd });
  assert.equal(errors.match(/No database was named/g)?.length, 1, errors);
  assert.match(errors, /\.continuum.*DATABASE_URL/s);
  assert.match(
    output,
    /^INVALID_ARGUMENT Cannot use option database of Continuum.connect: found undefined, wanted/,
    errors,
  );
});

Deno.test("the README's first program has types, in a project strict or not", async () => {
  for (const compilerOptions of [{}, { exactOptionalPropertyTypes: true }]) {
    await using folder = await makeConsumer({ ...CONFIG, compilerOptions });
    const cwd = new URL(folder.url).pathname;
    const { errors, code } = await deno(["check", "main.ts"], { cwd });
    assert.equal(code, 0, errors);
  }
});

/** A workflow that takes two turns, so that a node loads its code again. */
const GREET = `import { defineWorkflow } from "jsr:@continuum/continuum@^0.1.0/workflow";
export default defineWorkflow({ name: "greet" }, async (ctx, who: string) => {
  const greeting = await ctx.run("greet", () => "Hello " + who);
  return greeting + await ctx.waitForSignal<string>("ending");
});
`;

/** Starts the workflow of a URL. A process of the next release finishes its run, with the URL gone. */
async function startAndFinish(
  specifier: string,
  line: number,
  gone: () => void,
): Promise<void> {
  await using folder = await makeFolder({
    "deno.json": JSON.stringify(CONFIG),
    "start.ts": `import { Continuum } from "@continuum/continuum";
      await using continuum = await Continuum.open({
        database: "pglite:./data", workflows: [${JSON.stringify(specifier)}],
      });
      const run = await continuum.start("greet", "Ada", { runId: "g" });
      await run.reached("suspended");
      const { version } = await run.status();
      console.log(version.specifier, (await run.where()).waiting[0].site.line);`,
    "greet.ts": GREET.replace("Hello", "Good day"),
    "finish.ts": `import { Continuum } from "@continuum/continuum";
      await using continuum = await Continuum.open({
        database: "pglite:./data", workflows: [import.meta.resolve("./greet.ts")],
      });
      const run = continuum.run("g");
      await run.signal("ending", "!");
      console.log(await run.result());`,
  });
  const cwd = new URL(folder.url).pathname;
  const started = await deno(["run", "-A", "--quiet", "start.ts"], { cwd });
  assert.equal(started.output, `${specifier} ${line}\n`, started.errors);
  gone();
  const finished = await deno(["run", "-A", "--quiet", "--cached-only", "finish.ts"], { cwd });
  assert.equal(finished.output, "Hello Ada!\n", finished.errors);
}

Deno.test("a workflow module from a server imports the package from JSR, and outlives its URL", async () => {
  let isThere = true;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () =>
      isThere
        ? new Response(GREET, { headers: { "content-type": "text/typescript" } })
        : new Response("Gone", { status: 410 }),
  );
  const url = `http://127.0.0.1:${server.addr.port}/v1/greet.ts`;
  await startAndFinish(url, 4, () => void (isThere = false));
});

Deno.test("a workflow that was published on JSR is started by its jsr: specifier, and outlives its package", async () => {
  const page = await Deno.readTextFile(new URL("docs/jsr.md", PROJECT));
  const [, module] = /```ts\n(\/\/ greet.ts\n[^]*?)```/.exec(page)!;
  const [, config] = /```json\n([^]*?)```/.exec(page)!;
  await using flows = await makeFolder({ "greet.ts": module!, "deno.json": config! });
  await registry.publish(new URL(flows.url).pathname);
  await startAndFinish("jsr:@acme/flows@1.0.0", 8, () => registry.remove("@acme/flows"));
});
