/**
 * A deployment strands no run whose code imports npm packages that the new image does not have.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatSignature } from "../../src/version/signing/signature.ts";
import { makeSigningKey } from "../../src/version/signing/keys.ts";
import { POSTGRES, postgresUrl } from "../support/database.ts";
import { makeFolder } from "../support/modules.ts";
import { NpmRegistryDouble } from "../support/npm_registry.ts";
import { copyPackages, ownPackages, packagesOf, placeInCache } from "../support/package_cache.ts";
import { deno } from "../support/processes.ts";
import { PROJECT } from "../support/project.ts";
import { openIn } from "../support/runs.ts";

/** What the engine itself imports. */
const ENGINE = ownPackages([
  "@babel/parser",
  "@logtape/logtape",
  "@swc/wasm-web",
  "cjs-module-lexer",
  "croner",
  "diff",
  "es-module-lexer",
  "pg",
]);

/** ES modules with subpaths, and a CommonJS package that requires another, its peer. */
const OLD = ownPackages(["@opentelemetry/context-async-hooks", "zod"]);

const OLD_ORDER = `import { defineWorkflow } from "@continuum/continuum/workflow";
import { z } from "zod";
import * as v4 from "zod/v4";
import { AsyncLocalStorageContextManager as Manager } from "@opentelemetry/context-async-hooks";
const Order = z.object({ items: z.number().int() });
export default defineWorkflow({ name: "order", version: 1 }, async (ctx, input: unknown) => {
  const order = Order.parse(input);
  const more = v4.number().parse(await ctx.waitForSignal("more"));
  const root = await ctx.run("root", () => typeof new Manager().active().getValue);
  return [order.items + more, root];
});
`;

const NEW_ORDER = `import { defineWorkflow } from "@continuum/continuum/workflow";
export default defineWorkflow({ name: "order", version: 2 }, () => Promise.resolve("new"));
`;

/** The new image: it continues the run, and looks at it from a subprocess. */
const MAIN = `import { Continuum } from "${PROJECT}mod.ts";
const { url, schema, trust } = JSON.parse(Deno.args[0]);
await using continuum = await Continuum.open({
  database: url,
  schema,
  trust,
  workflows: [import.meta.resolve("./order.ts")],
});
const { versions } = await continuum.versions.check({ timeout: "5m" });
const run = continuum.run("r-1");
await run.signal("more", 4);
const result = await run.result({ timeout: "5m" });
console.log(JSON.stringify({
  checked: versions.map(({ state, imported, reasons }) => ({ state, imported, reasons })),
  result,
}));
`;

function lockOf(...packages: readonly ReturnType<typeof ownPackages>[]): string {
  const specifiers = Object.assign({}, ...packages.map(({ specifiers }) => specifiers));
  const npm = Object.assign({}, ...packages.map(({ npm }) => npm));
  const dependencies = Object.keys(specifiers).sort();
  return JSON.stringify({ version: "5", specifiers, npm, workspace: { dependencies } });
}

/** Starts a run on old code, deploys the new image, and lets that finish the run. */
async function deploy(registry?: NpmRegistryDouble): Promise<{
  readonly checked: readonly { readonly state: string; readonly imported: boolean }[];
  readonly result: unknown;
}> {
  await using db = await POSTGRES.fresh();
  const old = registry === undefined ? OLD : { ...OLD, npm: { ...OLD.npm, ...registry.lock } };
  await using folder = await makeFolder({
    "deno.json": JSON.stringify({ imports: { ...ENGINE.imports, ...OLD.imports } }),
    "deno.lock": lockOf(ENGINE, old),
    ".npmrc": `registry=${registry?.url ?? "http://localhost:9/"}`,
    "main.ts": MAIN,
    "order.ts": OLD_ORDER,
  });
  const options = {
    workflows: [`${folder.url}order.ts`],
    config: `${folder.url}deno.json`,
    archive: { tarballs: registry !== undefined },
  };
  {
    await using node = await openIn(db, options);
    const run = await node.start("order", { items: 3 }, { runId: "r-1" });
    await run.reached("suspended");
  }
  await folder.write({
    "deno.json": JSON.stringify({ imports: ENGINE.imports, nodeModulesDir: "none" }),
    "deno.lock": lockOf(ENGINE),
    "order.ts": NEW_ORDER,
  });
  const trust = registry === undefined ? {} : await signed();
  const denoDir = new URL("deno_dir/", folder.url);
  await copyPackages(ENGINE.npm, (...named) => placeInCache(denoDir, "localhost_9", ...named));
  const path = (url: URL | string) => decodeURIComponent(new URL(url).pathname);
  const given = JSON.stringify({ url: postgresUrl(), schema: db.schema, trust });
  const { output, errors } = await deno(["run", "-A", "--no-check", "--quiet", "main.ts", given], {
    cwd: path(folder.url),
    env: { DENO_DIR: path(denoDir), NPM_CONFIG_REGISTRY: "http://localhost:9/" },
  });
  assert(output !== "", errors);
  return JSON.parse(output);

  /** Signs the old code and the new. */
  async function signed() {
    const key = makeSigningKey();
    await using client = await openIn(db, { ...options, queues: { default: { concurrency: 0 } } });
    const { versions } = await client.versions.list();
    const signatures = versions.map(({ workflow, hash }) =>
      formatSignature(key.sign(workflow, hash))
    );
    assert.equal(signatures.length, 2);
    return { keys: [key.public.text], signatures };
  }
}

Deno.test("after a deployment whose image and registry have no zod, a run on old code continues with zod", async () => {
  const { checked, result } = await deploy();
  assert.deepEqual(result, [7, "function"]);
  assert.deepEqual(checked.map(({ state, imported }) => [state, imported]), [
    ["ok", true],
    ["ok", true],
  ]);
});

Deno.test("the same where trust.keys is set, by the archive files of the registry", async () => {
  await using registry = new NpmRegistryDouble(await packagesOf(OLD.npm));
  const { checked, result } = await deploy(registry);
  assert.deepEqual(result, [7, "function"]);
  assert.deepEqual(checked.map(({ state, imported }) => [state, imported]), [
    ["ok", true],
    ["ok", true],
  ]);
  assert.deepEqual(registry.asked.toSorted(), [
    "/@opentelemetry/api/-/api-1.9.0.tgz",
    "/@opentelemetry/context-async-hooks/-/context-async-hooks-2.12.1.tgz",
    "/zod/-/zod-4.6.7.tgz",
  ]);
});
