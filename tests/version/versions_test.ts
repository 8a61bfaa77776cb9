/**
 * Registering versions, and obtaining them again.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { VersionStore } from "../../src/ports/store.ts";
import { readGraph } from "../../src/version/graph/read.ts";
import { Versions, type VersionsOptions } from "../../src/version/versions.ts";
import { pglite } from "../../src/store/pglite/mod.ts";
import { openStore } from "../../src/store/open.ts";
import "../support/primed_pglite.ts";
import { makeFolder, serve, type Server } from "../support/modules.ts";
import type { VersionUnavailableError } from "../../src/version/load_errors.ts";
import { integrityMismatch } from "../../src/version/load_errors.ts";

const HOST = `import { defineWorkflow } from "@continuum/continuum/workflow";`;

/** A workflow of three modules; `n` makes versions differ. */
function order(n: number | string, name = "order"): Record<string, string> {
  return {
    "wf/order.ts":
      `${HOST} import { n } from "./dep.ts"; import data from "../data.json" with { type: "json" };
      globalThis.ranForTest++;
      export default defineWorkflow({ name: "${name}", version: "${n}" }, () => [n, data]);`,
    "wf/dep.ts": `globalThis.ranForTest++; export const n: number | string = ${JSON.stringify(n)};`,
    "data.json": `{"a":1}`,
  };
}

/** Another version of a workflow of that name, at no server. */
const OWN = `data:text/javascript,${
  encodeURIComponent(`${HOST} export default defineWorkflow({ name: "order" }, () => 0);`)
}`;

const runs = globalThis as unknown as { ranForTest: number };
runs.ranForTest = 0;

/** What a test works with: a store of its own, and a server whose answers it may change. */
interface Scene {
  readonly store: VersionStore;
  /** Opens a node. */
  node(): Promise<string>;
  /** Asks the database past the store. */
  readonly sql: (text: string, values?: readonly (string | null)[]) => Promise<unknown>;
  readonly server: Server;
  readonly answers: Record<string, string | Uint8Array | number | { redirect: string }>;
  /** The root module that the server serves. */
  readonly root: string;
  versions(options?: Partial<VersionsOptions>): Versions;
}

/** The steps of the suite. */
const suite: { name: string; fn: (scene: Scene) => Promise<void> }[] = [];

function test(name: string, fn: (scene: Scene) => Promise<void>): void {
  suite.push({ name, fn });
}

/** Unique in every test, so that nothing is in the process's memory already. */
let next = 0;

async function failure(obtaining: Promise<unknown>): Promise<VersionUnavailableError> {
  let thrown: unknown;
  await obtaining.catch((error) => thrown = error);
  assert.equal(
    (thrown as VersionUnavailableError | undefined)?.code,
    "VERSION_UNAVAILABLE",
    String(thrown),
  );
  return thrown as VersionUnavailableError;
}

function codes(failure: VersionUnavailableError): string[] {
  return failure.details.reasons.map(({ source, code }) => `${source} ${code}`);
}

function result(version: { definition: { run: unknown } }): unknown {
  return (version.definition.run as () => unknown)();
}

/** Registers what the server has, through a process that is then forgotten. */
async function registered(scene: Scene, options: Partial<VersionsOptions> = {}): Promise<string> {
  return (await scene.versions(options).register(scene.root)).hash;
}

test("a version is registered with its manifest, its bytes and its specifier", async (scene) => {
  const versions = scene.versions();
  const own = await versions.register(scene.root);
  assert.equal(own.source, "url");
  assert.equal(own.isNew, true);
  const row = await scene.store.get(own.hash);
  assert.deepEqual([row?.workflow, row?.label, row?.archived], [
    "order",
    own.definition.version,
    true,
  ]);
  assert.deepEqual(row?.specifiers, [scene.root]);
  assert.equal((await scene.versions().register(scene.root)).isNew, false);
  assert.equal(await versions.obtain(own.hash), await versions.obtain(own.hash));
});

test("with its URL down, a version comes from the archive", async (scene) => {
  const hash = await registered(scene);
  await scene.server[Symbol.asyncDispose]();
  const versions = scene.versions();
  const version = await versions.obtain(hash);
  assert.equal(version.source, "archive");
  assert.deepEqual(result(version), [version.definition.version, { a: 1 }]);
  assert.deepEqual(versions.statistics.versions.archive, 1);
});

test("with its URL gone or changed, a version comes from the archive", async (scene) => {
  const hash = await registered(scene);
  scene.answers["wf/dep.ts"] = "export const n = 'another';";
  const changed = scene.versions();
  assert.equal((await changed.obtain(hash)).source, "archive");
  scene.answers["wf/order.ts"] = 404;
  const gone = scene.versions();
  assert.equal((await gone.obtain(hash)).source, "archive");
});

test("with the archive damaged, a version comes from its URL", async (scene) => {
  const hash = await registered(scene);
  await scene.sql(`update {schema}.modules set bytes = '\\x00'`);
  const versions = scene.versions();
  assert.equal((await versions.obtain(hash)).source, "url");
});

test("with the registry's manifest damaged, its URL gives the version; the archive can't", async (scene) => {
  const hash = await registered(scene);
  await scene.sql(
    `update {schema}.workflow_versions set manifest = replace(manifest, 'dep.ts', 'pde.ts') where hash = $1`,
    [hash],
  );
  const versions = scene.versions();
  assert.equal((await versions.obtain(hash)).source, "url");
  scene.answers["wf/order.ts"] = 404;
  const later = scene.versions();
  const lost = await failure(later.obtain(hash));
  assert.deepEqual([lost.details.kind, ...codes(lost)], [
    "lasting",
    "registry INTEGRITY_MISMATCH",
    "url MODULE_NOT_FOUND",
  ]);
});

test("another specifier of the same version stands in for a lost one", async (scene) => {
  const hash = await registered(scene, { archive: false });
  for (const [path, body] of Object.entries(scene.answers)) scene.answers[`copy/${path}`] = body;
  const copy = `${scene.server.url}copy/wf/order.ts`;
  assert.equal((await scene.versions({ workflows: [copy] }).register(copy)).hash, hash);
  scene.answers["copy/wf/dep.ts"] = 404;
  const versions = scene.versions();
  assert.equal((await versions.obtain(hash)).specifier, scene.root);
});

test("a version that is lost everywhere lasts so, with a reason for each source", async (scene) => {
  const hash = await registered(scene);
  const sound = scene.answers["wf/order.ts"]!;
  scene.answers["wf/order.ts"] = 404;
  await scene.sql(`update {schema}.modules set bytes = '\\x00'`);
  const versions = scene.versions();
  const lost = await failure(versions.obtain(hash));
  assert.equal(lost.details.kind, "lasting");
  assert.deepEqual(codes(lost), ["url MODULE_NOT_FOUND", "archive INTEGRITY_MISMATCH"]);
  assert.equal(lost.details.reasons[0]!.specifier, scene.root);
  assert.ok(lost.message.includes(scene.root));
  assert.equal(await versions.probe(hash), false);
  scene.answers["wf/order.ts"] = sound;
  assert.equal(await versions.probe(hash), true);
  assert.equal((await versions.obtain(hash)).source, "url");
});

test("what a lost URL means depends on how it is lost", async (scene) => {
  const hash = await registered(scene, { archive: false });
  const found: Record<number, string> = {};
  for (const status of [503, 429, 403, 401, 404, 410]) {
    scene.answers["wf/dep.ts"] = status;
    const versions = scene.versions({ archive: false });
    found[status] = (await failure(versions.obtain(hash))).details.kind;
  }
  assert.deepEqual(found, {
    503: "passing",
    429: "passing",
    403: "node",
    401: "node",
    404: "lasting",
    410: "lasting",
  });
  await scene.server[Symbol.asyncDispose]();
  const versions = scene.versions();
  assert.equal((await failure(versions.obtain(hash))).details.kind, "passing");
});

test("one changed byte at the URL and in the archive is found before anything runs", async (scene) => {
  const hash = await registered(scene);
  const sound = { ...scene.answers };
  const paths = ["wf/order.ts", "wf/dep.ts", "data.json"];
  for (const path of paths) {
    scene.answers[path] = String(sound[path]).replace(/.$/s, " ");
    const versions = scene.versions();
    await scene.sql(`create table if not exists {schema}.kept as select * from {schema}.modules`);
    await scene.sql(
      `update {schema}.modules set bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1)`,
    );
    runs.ranForTest = 0;
    const lost = await failure(versions.obtain(hash));
    assert.deepEqual([lost.details.kind, ...codes(lost)], [
      "lasting",
      "url INTEGRITY_MISMATCH",
      "archive INTEGRITY_MISMATCH",
    ]);
    assert.equal(runs.ranForTest, 0, path);
    await scene.sql(
      `update {schema}.modules as m set bytes = k.bytes from {schema}.kept as k where k.sha256 = m.sha256`,
    );
    scene.answers[path] = sound[path]!;
  }
});

test("many who want one version at once share one attempt", async (scene) => {
  const hash = await registered(scene);
  const versions = scene.versions();
  runs.ranForTest = 0;
  const found = await Promise.all(Array.from({ length: 50 }, () => versions.obtain(hash)));
  assert.equal(new Set(found).size, 1);
  assert.equal(runs.ranForTest, 2);
});

test("a redirect to a host outside trust is refused, and the archive stands in", async (scene) => {
  await using evil = serve({ "order.ts": "throw 1" });
  const hash = await registered(scene);
  scene.answers["wf/order.ts"] = { redirect: `${evil.url}order.ts` };
  const versions = scene.versions();
  assert.equal((await versions.obtain(hash)).source, "archive");
  assert.deepEqual(evil.requests, []);
  await scene.sql(`update {schema}.modules set bytes = '\\x00'`);
  const later = scene.versions();
  const lost = await failure(later.obtain(hash));
  assert.deepEqual(codes(lost)[0], "url UNTRUSTED_MODULE");
  assert.equal(lost.details.kind, "node");
});

test("a node loads what it serves or trusts, and leaves the rest to others", async (scene) => {
  const hash = await registered(scene);
  const stranger = scene.versions({ workflows: [] });
  const lost = await failure(stranger.obtain(hash));
  assert.deepEqual([lost.details.kind, ...codes(lost)], ["node", "policy UNTRUSTED_VERSION"]);
  const trusting = scene.versions({
    workflows: [],
    trust: { modules: [`${scene.server.url}wf/*`, `${scene.server.url}data.json`] },
  });
  assert.equal((await trusting.obtain(hash)).source, "url");
  const serving = scene.versions({ workflows: [OWN] });
  await serving.register(OWN);
  // Its host is private, and this node names none of its modules.
  assert.equal((await serving.obtain(hash)).source, "archive");
  const denying = scene.versions({ trust: { deny: [hash] } });
  const denied = await failure(denying.obtain(hash));
  assert.deepEqual([denied.details.kind, ...codes(denied)], ["lasting", "policy DENIED"]);
  await assert.rejects(denying.register(scene.root), { code: "VERSION_UNAVAILABLE" });
  assert.deepEqual(codes(await failure(stranger.obtain("0".repeat(64)))), [
    "registry UNREGISTERED",
  ]);
});

test("what a node could not load is noted, until it executes it", async (scene) => {
  const hash = await registered(scene);
  const node = await scene.node();
  const versions = scene.versions();
  await scene.sql(`update {schema}.modules set bytes = '\\x00'`);
  const root = scene.answers["wf/order.ts"]!;
  scene.answers["wf/order.ts"] = 404;
  await failure(versions.obtain(hash, node));
  const noted = async () => (await scene.store.failures(hash)).map((row) => row.node);
  assert.deepEqual(await noted(), [node]);
  scene.answers["wf/order.ts"] = root;
  await versions.register(scene.root);
  assert.equal((await versions.obtain(hash, node)).hash, hash);
  assert.deepEqual(await noted(), []);
});

test("specifiers outside trust are refused by register, prefix tricks among them", async (scene) => {
  const { url } = scene.server;
  const versions = scene.versions({ workflows: [], trust: { modules: [`${url}wf/*`] } });
  scene.answers["wf-evil/order.ts"] = scene.answers["wf/dep.ts"]!;
  for (
    const path of [
      "wf-evil/order.ts",
      "wf@evil.host/",
      "wf/../wf-evil/order.ts",
      "wf/%2e%2e/data.json",
    ]
  ) {
    await assert.rejects(versions.register(url + path), { code: "UNTRUSTED_MODULE" }, path);
  }
  await assert.rejects(versions.register(url.replace("//", "//user@") + "wf/dep.ts"), {
    code: "UNTRUSTED_MODULE",
  });
  await assert.rejects(
    versions.register(scene.root),
    { code: "UNTRUSTED_MODULE" },
    "a member outside",
  );
  await assert.rejects(versions.register("order.ts"), { code: "INVALID_ARGUMENT" });
});

test("a remote module that imports a file is refused", async (scene) => {
  scene.answers["wf/dep.ts"] = `import "file:///etc/passwd"; export const n = 1;`;
  await assert.rejects(scene.versions().register(scene.root), /file:\/\/\/etc\/passwd/);
});

test("a module whose default export is not a workflow is refused with the reason", async (scene) => {
  const cases: Record<string, string> = {
    NO_DEFAULT_EXPORT: `export const order = 1;`,
    NOT_A_WORKFLOW: `export default function order() {}`,
    PROTOCOL_TOO_NEW: `export default { [Symbol.for("continuum.workflow")]: 2, name: "x" };`,
    MODULE_SYNTAX: `this is no module`,
    MODULE_NOT_FOUND: `import "./not_there.ts";`,
    IMPORT_FAILED: `throw new Error("no");`,
  };
  for (const [code, source] of Object.entries(cases)) {
    scene.answers["wf/order.ts"] = `// ${next++}\n${source}`;
    await assert.rejects(scene.versions().register(scene.root), { code }, code);
  }
  assert.deepEqual(await scene.store.list(), []);
});

test("what Deno executes and no loader could load from its bytes is not registered", async (scene) => {
  const cases: Record<string, RegExp> = {
    "export const a = 1; class A { accessor y = 1 }": /found accessor/,
    'import defer * as a from "./dep.ts"; export const lazy = a;': /phase defer/,
    "for (using r = null; ;) break;": /found a resource/,
  };
  for (const [source, message] of Object.entries(cases)) {
    scene.answers["wf/order.ts"] = `${source}\n// ${next++}\n${HOST}
      export default defineWorkflow({ name: "order" }, () => 1);`;
    await assert.rejects(scene.versions().register(scene.root), (error: Error) => {
      assert.match(error.message, message);
      assert.match(error.message, /wf\/order\.ts/);
      return true;
    });
  }
  assert.deepEqual(await scene.store.list(), []);
});

test("the application's main module and the engine's own entry are no part of a version", async (scene) => {
  for (const url of [Deno.mainModule, new URL("../../mod.ts", import.meta.url).href]) {
    await using folder = await makeFolder({ "order.ts": `import ${JSON.stringify(url)};` });
    const root = `${folder.url}order.ts`;
    await assert.rejects(scene.versions({ workflows: [root] }).register(root), {
      code: "GRAPH_FORBIDDEN",
    });
  }
});

test("a failing import passes five times, then lasts until it is forgiven", async (scene) => {
  const flag = globalThis as unknown as { failForTest: boolean };
  flag.failForTest = false;
  scene.answers["wf/dep.ts"] = `if (globalThis.failForTest) throw new Error("down");\n` +
    scene.answers["wf/dep.ts"];
  const hash = await registered(scene);
  flag.failForTest = true;
  const versions = scene.versions();
  const kinds: string[] = [];
  for (let i = 0; i < 6; i++) kinds.push((await failure(versions.obtain(hash))).details.kind);
  assert.deepEqual(kinds, ["passing", "passing", "passing", "passing", "lasting", "lasting"]);
  assert.equal(await versions.probe(hash), false);
  flag.failForTest = false;
  await versions.clearFailures(hash);
  assert.equal((await versions.obtain(hash)).source, "url");
});

test("a failing import lasts after five times, too, where it throws what can't be looked at", async (scene) => {
  const flag = globalThis as unknown as { failForTest: boolean };
  flag.failForTest = false;
  const traps = `{ get() { throw 1; }, getPrototypeOf() { throw 2; }, has() { throw 3; } }`;
  scene.answers["wf/dep.ts"] =
    `if (globalThis.failForTest) throw new Proxy(function () {}, ${traps});\n` +
    scene.answers["wf/dep.ts"];
  const hash = await registered(scene);
  flag.failForTest = true;
  const versions = scene.versions();
  const kinds: string[] = [];
  for (let i = 0; i < 6; i++) kinds.push((await failure(versions.obtain(hash))).details.kind);
  flag.failForTest = false;
  assert.deepEqual(kinds, ["passing", "passing", "passing", "passing", "lasting", "lasting"]);
});

test("an import is noted durably; what kills nodes is not imported any more", async (scene) => {
  const hash = await registered(scene);
  const node = await scene.node();
  const versions = scene.versions();
  await versions.obtain(hash, node);
  assert.deepEqual(await scene.store.failures(hash), []);
  await scene.sql(`update {schema}.workflow_versions set load_crashes = 3`);
  const other = scene.versions();
  const lost = await failure(other.obtain(hash, node));
  assert.deepEqual([lost.details.kind, ...codes(lost)], ["lasting", "import LOAD_CRASHED"]);
  assert.equal((await scene.store.failures(hash))[0]?.reason.code, "VERSION_UNAVAILABLE");
  await other.clearFailures(hash);
  assert.equal((await other.obtain(hash, node)).source, "url");
});

test("a file is recorded from the application's root, and found there again", async (scene) => {
  await using first = await makeFolder({ "deno.json": "{}", ...order(next++) });
  const config = (url: string) => `${url}deno.json`;
  const root = `${first.url}wf/order.ts`;
  const options = { config: config(first.url), workflows: [root], native: false };
  const own = await scene.versions(options).register(root);
  assert.equal(own.specifier, "app:wf/order.ts");
  await using moved = await makeFolder({ "deno.json": "{}" });
  for (const path of ["wf/order.ts", "wf/dep.ts", "data.json"]) {
    await moved.write({ [path]: await Deno.readTextFile(new URL(path, first.url)) });
  }
  const there = [`${moved.url}wf/order.ts`];
  const versions = scene.versions({ config: config(moved.url), workflows: there });
  assert.equal((await versions.obtain(own.hash)).source, "url");
  await moved.remove("wf/dep.ts");
  await scene.sql(`update {schema}.modules set bytes = '\\x00'`);
  const absent = scene.versions({ config: config(moved.url), workflows: there });
  assert.equal((await failure(absent.obtain(own.hash))).details.kind, "node");
});

test("the application's own module stands for a version only if it can be nothing else", async (scene) => {
  const fixture = import.meta.resolve("./native/order.ts");
  const imported = await import(fixture);
  const native = await scene.versions({ workflows: [fixture], native: true }).register(
    fixture,
  );
  assert.equal(native.source, "native");
  assert.equal(native.definition, imported.default);
  const apart = await scene.versions({ workflows: [fixture] }).register(fixture);
  assert.equal(apart.source, "url");
  assert.equal(apart.hash, native.hash);
  assert.notEqual(apart.definition, imported.default);
  const lazy = import.meta.resolve("./native/lazy.ts");
  assert.equal(
    (await scene.versions({ workflows: [lazy], native: true }).register(lazy)).source,
    "url",
  );
  // Written after the process began: who knows what was imported.
  await using folder = await makeFolder(order(next++));
  const fresh = `${folder.url}wf/order.ts`;
  assert.equal(
    (await scene.versions({ workflows: [fresh], native: true }).register(fresh)).source,
    "url",
  );
});

test("files that change between import and proof are not native; the verified bytes run", async () => {
  const script = new URL("./native/register.ts", import.meta.url).href;
  const host = JSON.stringify(new URL("../../src/workflow/mod.ts", import.meta.url).href);
  const source = (change: string) =>
    `import { defineWorkflow } from ${host}; import { n } from "./dep.ts"; ${change}
    export default defineWorkflow({ name: "order" }, () => n);`;
  const change = `Deno.writeTextFileSync(new URL("./dep.ts", ROOT), "export const n = 2;");`;
  for (const [touch, wanted] of [["", "native"], [change, "url"]] as const) {
    await using folder = await makeFolder({ "dep.ts": `export const n = 1;` });
    await folder.write({
      "order.ts": source(touch.replace("ROOT", JSON.stringify(folder.url))),
    });
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--config",
        new URL("../../deno.json", import.meta.url).pathname,
        script,
        `${folder.url}order.ts`,
      ],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), { source: wanted, n: 1 });
  }
});

test("a package that this node's lock has otherwise is refused, where the archive lacks the one that was pinned", async (scene) => {
  const lock = (integrity: string) =>
    JSON.stringify({
      version: "5",
      specifiers: { "npm:es-module-lexer@3.0.5": "3.0.5" },
      npm: { "es-module-lexer@3.0.5": { integrity } },
    });
  await using here = await makeFolder({
    "deno.json": "{}",
    "deno.lock": lock("sha512-aaaa"),
    "wf/order.ts": `${HOST} import "npm:es-module-lexer@3.0.5";
      export default defineWorkflow({ name: "order", version: "${next++}" }, () => 1);`,
  });
  await using there = await makeFolder({ "deno.json": "{}", "deno.lock": lock("sha512-bbbb") });
  const root = `${here.url}wf/order.ts`;
  const config = `${here.url}deno.json`;
  const archive = { packages: false };
  const { hash } = await scene.versions({ config, workflows: [root], archive }).register(root);
  const trust = { modules: ["file:///*"] };
  assert.equal((await scene.versions({ config, trust }).obtain(hash)).source, "url");
  const other = scene.versions({ config: `${there.url}deno.json`, trust });
  const lost = await failure(other.obtain(hash));
  assert.deepEqual([lost.details.kind, ...codes(lost)], ["node", "import EXTERNAL_UNAVAILABLE"]);
});

test("a live module is the application's own, and a node without it leaves the version alone", async (scene) => {
  await using folder = await makeFolder({
    "wf/order.ts": `${HOST} import { pool } from "../db.ts";
      export default defineWorkflow({ name: "order", version: "${next++}" }, () => pool);`,
    "db.ts": `export const pool = { open: true };`,
  });
  const root = `${folder.url}wf/order.ts`;
  const live = [`${folder.url}db.ts`];
  const { hash } = await scene.versions({ workflows: [root], live }).register(root);
  const version = await scene.versions({ workflows: [root], live }).obtain(hash);
  assert.equal(result(version), (await import(live[0]!)).pool);
  const lost = await failure(scene.versions({ workflows: [root] }).obtain(hash));
  assert.deepEqual([lost.details.kind, ...codes(lost)], ["node", "import LIVE_UNKNOWN"]);
});

test("a run starts on a definition's own version, on a name's current, or on a specifier's", async (scene) => {
  const versions = scene.versions({ trust: { start: true, modules: [`${scene.server.url}*`] } });
  const own = await versions.register(scene.root);
  const wanted = { workflow: "order", hash: own.hash, specifier: scene.root };
  assert.deepEqual(await versions.forStart(own.definition), wanted);
  assert.deepEqual(await versions.forStart("order"), wanted);
  assert.deepEqual(await versions.forStart(scene.root), wanted);
  for (const [path, body] of Object.entries(order("b", "other"))) scene.answers[`b/${path}`] = body;
  const other = `${scene.server.url}b/wf/order.ts`;
  const careful = scene.versions();
  await assert.rejects(careful.forStart(other), { code: "VERSION_NOT_FOUND" });
  await assert.rejects(careful.forStart("nobody"), { code: "VERSION_NOT_FOUND" });
  const elsewhere = await versions.forStart(other);
  assert.equal(elsewhere.workflow, "other");
  assert.deepEqual(await versions.forStart("other", elsewhere.hash), elsewhere);
  for (const workflow of ["order", own.definition]) {
    assert.deepEqual(await versions.forStart(workflow, own.hash), wanted);
    await assert.rejects(versions.forStart(workflow, elsewhere.hash), {
      code: "VERSION_NOT_FOUND",
      message: /start a run of workflow "order"/,
    });
  }
});

test("a start changes what no name means, whatever the module calls itself", async (scene) => {
  const versions = scene.versions({ trust: { start: true, modules: [`${scene.server.url}*`] } });
  const own = await versions.register(scene.root);
  const named = (name: string) => `${scene.server.url}${name}/wf/order.ts`;
  for (const [folder, name] of [["a", "order"], ["b", "fresh"]] as const) {
    for (const [path, body] of Object.entries(order(`${folder}${next++}`, name))) {
      scene.answers[`${folder}/${path}`] = body;
    }
  }
  const impostor = await versions.forStart(named("a"));
  assert.equal(impostor.workflow, "order");
  assert.notEqual(impostor.hash, own.hash);
  const fresh = await versions.forStart(named("b"));
  assert.equal(await scene.store.current("order"), own.hash);
  assert.equal(await scene.store.current("fresh"), null);
  await assert.rejects(versions.forStart("fresh"), { code: "VERSION_NOT_FOUND" });
  assert.equal((await versions.forStart("order")).hash, own.hash);
  assert.equal((await versions.forStart(own.definition)).hash, own.hash);
  // Once more, on this node and on another.
  assert.deepEqual(await versions.forStart(named("a")), impostor);
  assert.deepEqual(await scene.versions().forStart(named("b")), fresh);
  // This node serves the names of its own workflows, not of what a caller started.
  const specifiers = ["https://cdn.example/fresh.ts"];
  assert.equal(versions.trusts({ workflow: "fresh", specifiers, isOwnRight: true }), false);
  // Nor does a node that serves a name run what a start brought under it.
  const serving = scene.versions();
  await serving.register(scene.root);
  const refusal = await failure(serving.obtain(impostor.hash));
  assert.deepEqual([refusal.details.kind, ...codes(refusal)], ["node", "policy UNTRUSTED_VERSION"]);
  assert.equal(await serving.probe(impostor.hash), false);
  // In its own right, it becomes current like any other.
  await scene.versions({ workflows: [named("b")] }).register(named("b"));
  assert.equal(await scene.store.current("fresh"), fresh.hash);
  await scene.versions({ workflows: [named("a")] }).register(named("a"));
  assert.equal((await serving.obtain(impostor.hash)).hash, impostor.hash);
});

test("what a start brings vouches for no part of it, and what a node registers does", async (scene) => {
  const modules = { "h/inner.ts": "inner", "h/outer.ts": "outer", "h/own.ts": "own" };
  for (const [path, name] of Object.entries(modules)) {
    scene.answers[path] = `${HOST} import "./inner.ts";
      export default defineWorkflow({ name: "${name}", version: "${next++}" }, () => "${name}");`;
  }
  scene.answers["h/outer.ts"] += ` import inner from "./inner.ts"; export const child = inner;`;
  const root = `${scene.server.url}h/outer.ts`;
  const own = `${scene.server.url}h/own.ts`;
  scene.answers["h/own.ts"] = `${HOST}
    export default defineWorkflow({ name: "inner", version: "${next++}" }, () => "own");`;
  const starting = scene.versions({ trust: { start: true, modules: [`${scene.server.url}*`] } });
  const started = await starting.forStart(root);
  const { modules: loaded } = await starting.obtain(started.hash);
  const child = loaded.get("./inner.ts")!.default as typeof starting.loaded[number]["definition"];
  const part = await starting.childVersion(started.hash, child);
  const serving = scene.versions({ workflows: [own] });
  await serving.register(own);
  const refusal = await failure(serving.obtain(part.hash));
  assert.deepEqual(codes(refusal), ["policy UNTRUSTED_VERSION"]);
  await scene.versions({ workflows: [root] }).register(root);
  assert.equal((await serving.obtain(part.hash)).hash, part.hash);
});

test("the application's config holds for a module that is served", async (scene) => {
  await using folder = await makeFolder({
    "deno.json": JSON.stringify({
      imports: { mapped: `${scene.server.url}lib/n.ts` },
      compilerOptions: { jsxFactory: "h" },
    }),
  });
  scene.answers["lib/n.ts"] = `export const n: number = ${next++};`;
  scene.answers["wf/order.ts"] = `${HOST} import { n } from "mapped"; import view from "./v.tsx";
    export default defineWorkflow({ name: "order" }, () => [n > 0, view]);`;
  scene.answers["wf/v.tsx"] = `const h = () => "h"; void h; export default <a/>;`;
  const main = `${folder.url}main.ts`;
  const graph = await readGraph(scene.root, { home: main });
  assert.deepEqual(graph.manifest.content.options, [["jsxFactory", "h"]]);
  const versions = scene.versions({ config: `${folder.url}deno.json` });
  const { hash } = await versions.register(scene.root);
  assert.equal(hash, graph.manifest.hash);
  const elsewhere = scene.versions({ trust: { modules: [`${scene.server.url}*`] } });
  const version = await elsewhere.obtain(hash);
  assert.deepEqual(result(version), [true, "h"]);
  // Where none is named, that of the process's main module: this test's.
  scene.answers["wf/order.ts"] = `${HOST} export const load = () => import("@swc/wasm-web");
    export default defineWorkflow({ name: "order" }, () => 1);`;
  const own = await scene.versions().register(scene.root);
  const { manifest = "" } = await scene.store.get(own.hash) ?? {};
  assert.match(manifest, /^external npm:@swc\/wasm-web@[\d.]+ closure-sha256-/m);
});

test("a member of another origin is judged alike at its URL and in the archive", async (scene) => {
  await using other = serve({ "dep.ts": `export const n: number = ${next++};` });
  scene.answers["wf/order.ts"] = `${HOST} import { n } from "${other.url}dep.ts";
    export default defineWorkflow({ name: "order" }, () => n);`;
  const all = { modules: [`${scene.server.url}*`, `${other.url}*`] };
  const hash = await registered(scene, { trust: all });
  const careful = { workflows: [], trust: { modules: [`${scene.server.url}*`] } };
  const here = await failure(scene.versions(careful).obtain(hash));
  assert.deepEqual([here.details.kind, ...codes(here)], [
    "node",
    "url UNTRUSTED_MODULE",
    "archive UNTRUSTED_MODULE",
  ]);
  await scene.server[Symbol.asyncDispose]();
  const down = await failure(scene.versions(careful).obtain(hash));
  assert.deepEqual(codes(down), ["url FETCH_FAILED", "archive UNTRUSTED_MODULE"]);
  const trusting = scene.versions({ workflows: [], trust: all });
  assert.equal((await trusting.obtain(hash)).source, "archive");
});

test("2,000 modules are no trouble, and bounds are", async (scene) => {
  const files: Record<string, string> = {};
  for (let i = 0; i < 1_999; i++) files[`m/${i}.ts`] = `export const v: number = ${i};`;
  files["m/root.ts"] = `${HOST}\n` +
    Array.from({ length: 1_999 }, (_, i) => `import { v as v${i} } from "./${i}.ts";`).join("\n") +
    `\nexport default defineWorkflow({ name: "wide" }, () => v0 + v1998);`;
  Object.assign(scene.answers, files);
  const root = `${scene.server.url}m/root.ts`;
  const { hash } = await scene.versions({ workflows: [root] }).register(root);
  await scene.server[Symbol.asyncDispose]();
  const versions = scene.versions({ trust: { modules: [root] } });
  const version = await versions.obtain(hash);
  assert.deepEqual([version.source, result(version)], ["archive", 1998]);
  await using again = serve(files);
  const here = `${again.url}m/root.ts`;
  const bounded = scene.versions({ workflows: [here], limits: { members: 1_000 } });
  await assert.rejects(bounded.register(here), { code: "GRAPH_LIMIT" });
});

Deno.test({
  name: "versions",
  // The runtime polls for `load` hooks for good once there has been one: no leak of ours.
  sanitizeOps: false,
  async fn(test) {
    // One PGlite serves all steps, since starting one takes a second.
    const database = pglite(null);
    const driver = await database.open();
    for (const { name, fn } of suite) {
      await test.step({
        name,
        sanitizeOps: false,
        async fn() {
          const schema = `versions_${next++}`;
          const store = await openStore({ database, schema });
          await store.migrate();
          const answers: Scene["answers"] = order(`v${next++}`);
          const server = serve(answers);
          const root = `${server.url}wf/order.ts`;
          try {
            await fn({
              store: store.versions,
              server,
              answers,
              root,
              sql: (text, values) => driver.query(text.replaceAll("{schema}", schema), values),
              versions: (options) =>
                new Versions({ store: store.versions, workflows: [root], ...options }),
              async node() {
                const id = crypto.randomUUID();
                await store.nodes.open({ id, name: "test", leaseMs: 60_000 });
                return id;
              },
            });
          } finally {
            await server[Symbol.asyncDispose]();
            await store[Symbol.asyncDispose]();
          }
        },
      });
    }
    await driver.close();
  },
});

Deno.test("messages about digests show twelve digits of them, and details the whole", () => {
  const [found, wanted] = ["a".repeat(64), "b".repeat(64)];
  const error = integrityMismatch("member ./a.ts", found, wanted);
  assert.equal(
    error.message,
    "Cannot accept member ./a.ts: found aaaaaaaaaaaa, wanted bbbbbbbbbbbb",
  );
  assert.deepEqual(error.details, { found, wanted });
  const lock = integrityMismatch("its closure in deno.lock", "sha512-x", "sha512-y");
  assert.match(lock.message, /found sha512-x, wanted sha512-y$/);
});
