/**
 * A project outside the checkout follows the README to the letter.
 *
 * @module
 */

import assert from "node:assert/strict";
import { postgres } from "../../src/store/postgres/mod.ts";
import { postgresUrl } from "../support/database.ts";
import { PROJECT } from "../support/project.ts";
import { makeFolder } from "../support/modules.ts";
import { deno } from "../support/processes.ts";

const README = await Deno.readTextFile(new URL("README.md", PROJECT));

/** The block of the README whose first line says which file it is. */
function program(path: string): string {
  const block = README.split("```ts\n").find((text) => text.startsWith(`// ${path}\n`));
  assert(block !== undefined, `README.md shows ${path}`);
  return block.slice(0, block.indexOf("```"));
}

/** What `deno add` writes, and the checkout in the registry's place. */
const CONFIG = {
  links: [decodeURIComponent(PROJECT.pathname)],
  imports: { "@continuum/continuum": "jsr:@continuum/continuum@^0.1.0" },
};

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
