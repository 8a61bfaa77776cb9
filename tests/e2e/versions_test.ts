/**
 * A run stays on its code whatever happens around it, and leaves it only after proof.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Continuum } from "../../src/continuum.ts";
import { isContinuumError } from "../../src/base/errors.ts";
import type { RunHandle } from "../../src/client/run/handle.ts";
import type { OpenOptions } from "../../src/options.ts";
import { type EmptyDatabase, forEachDatabase } from "../support/database.ts";
import { PROJECT } from "../support/project.ts";
import {
  eventually,
  makeSite,
  mark,
  openIn,
  reached,
  resultOf,
  type Site,
  takeMarks,
} from "../support/runs.ts";

const HEAD = `import { defineWorkflow } from "@continuum/continuum/workflow";\n`;

/** Version 1: a step, a signal, a step. */
const ONE = HEAD + `import { price } from "./price.ts";
${mark("one ran")}
export default defineWorkflow({ name: "order", version: "1" }, async (ctx, items: number) => {
  const amount = await ctx.run("quote", () => price(items));
  const review = await ctx.waitForSignal<string>("review");
  return await ctx.run("charge", () => \`\${review}: \${amount} on version 1\`);
});
`;

/** Asks for the same up to the signal, and for something else after it. */
const COMPATIBLE = ONE.replaceAll("version 1", "version 2").replace(`version: "1"`, `version: "2"`);

/** Asks for a signal of another name. */
const INCOMPATIBLE = COMPATIBLE.replace(`"quote"`, `"estimate"`).replace(`"2"`, `"3"`);

const PRICE = `export function price(items: number): number {\n  return items * 10;\n}\n`;

function makeShop(): Site {
  return makeSite({
    "1/order.ts": ONE,
    "1/price.ts": PRICE,
    "2/order.ts": COMPATIBLE,
    "2/price.ts": PRICE,
    "3/order.ts": INCOMPATIBLE,
    "3/price.ts": PRICE,
  });
}

/** A node that serves nothing and trusts no origin. */
const NOBODY: OpenOptions = { workflows: [] };

function takeDown(site: Site, version: number): void {
  site.files[`${version}/order.ts`] = 404;
  site.files[`${version}/price.ts`] = 404;
}

/** Starts a run on a release, waits until it rests, and lets its node go. */
async function suspended(db: EmptyDatabase, specifier: string, options: OpenOptions = {}) {
  await using node = await openIn(db, { workflows: [specifier], ...options });
  const run = await node.start(specifier, 3);
  const { version } = await reached(run, "suspended");
  return { id: run.id, hash: version.hash };
}

function sourceOf(health: Awaited<ReturnType<Continuum["health"]>>, hash: string) {
  return health.code.find((version) => version.hash === hash)?.source;
}

async function finish(run: RunHandle<unknown>): Promise<unknown> {
  await run.signal("review", "approved");
  return await resultOf(run);
}

forEachDatabase("runs and their code", (database, test) => {
  test("a run ends on its own version after a deploy, from the archive, beside the new one", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { id, hash } = await suspended(db, shop.at("1/order.ts"));
    takeDown(shop, 1);
    await using node = await openIn(db, { workflows: [shop.at("2/order.ts")] });
    assert.equal(await finish(node.run(id)), "approved: 30 on version 1");
    assert.equal(sourceOf(await node.health(), hash), "archive");
    const fresh = await node.start("order", 3);
    assert.equal(await finish(fresh), "approved: 30 on version 2");
    const { version } = await fresh.status();
    assert.equal(version.label, "2");
    assert.equal(sourceOf(await node.health(), version.hash), "url");
    assert.equal((await node.health()).status, "ok");
  });

  const without = { archive: false } as const;

  /** A run that is parked, since its code is unavailable. */
  async function parked(db: EmptyDatabase, shop: Site) {
    const { id, hash } = await suspended(db, shop.at("1/order.ts"), without);
    takeDown(shop, 1);
    const node = await openIn(db, { ...without, workflows: [shop.at("2/order.ts")] });
    await node.run(id).signal("review", "approved");
    const status = await reached(node.run(id), "stuck_unknown_version");
    return { node, run: node.run(id), hash, status };
  }

  test("without archive and URL a run is parked, with the reason of each source", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { node, run, hash, status } = await parked(db, shop);
    await using _node = node;
    assert.equal(status.version.hash, hash);
    assert.equal(status.stuck?.code, "VERSION_UNAVAILABLE");
    const { reasons } = status.stuck?.details as {
      reasons: { source: string; code: string; message: string }[];
    };
    assert.deepEqual(reasons.map(({ source, code }) => [source, code]), [
      ["url", "MODULE_NOT_FOUND"],
      ["archive", "NOT_ARCHIVED"],
    ]);
    assert.match(reasons[0]!.message, /1\/order\.ts: the server says 404$/);
    assert.match(reasons[1]!.message, /it is not archived/);
    const health = await node.health();
    assert.equal(health.status, "degraded");
    assert.deepEqual(
      health.findings.filter(({ severe }) => severe).map(({ code, details }) => [
        code,
        details["hash"],
      ])[0],
      ["STUCK_VERSION", hash],
    );
    await assert.rejects(run.result({ timeout: 1 }), { code: "TIMEOUT" });
  });

  test("a parked run continues when its bytes are registered under another URL", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { node, run } = await parked(db, shop);
    await using _node = node;
    shop.files["mirror/order.ts"] = ONE;
    shop.files["mirror/price.ts"] = PRICE;
    await using _other = await openIn(db, { workflows: [shop.at("mirror/order.ts")] });
    assert.equal(await resultOf(run), "approved: 30 on version 1");
  });

  test("a parked run continues when the probe finds its URL again", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { node, run } = await parked(db, shop);
    await node.close();
    shop.files["1/order.ts"] = ONE;
    shop.files["1/price.ts"] = PRICE;
    await using other = await openIn(db, {
      ...without,
      workflows: [shop.at("2/order.ts")],
      lease: 600,
      probe: 0,
    });
    assert.equal(await resultOf(other.run(run.id)), "approved: 30 on version 1");
  });

  test("a parked run continues by retry() once its URL is back, and not before", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { node, run } = await parked(db, shop);
    await using _node = node;
    await run.retry();
    await reached(run, "stuck_unknown_version");
    shop.files["1/order.ts"] = ONE;
    shop.files["1/price.ts"] = PRICE;
    await run.retry();
    assert.equal(await resultOf(run), "approved: 30 on version 1");
    await assert.rejects(run.retry(), { code: "RUN_STATE" });
  });

  test("a parked run continues by upgrade() to a version that its history fits", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { node, run, hash } = await parked(db, shop);
    await using _node = node;
    const report = await run.upgrade();
    assert.equal(report.upgraded, true);
    assert.equal(report.from, hash);
    assert.equal(await resultOf(run), "approved: 30 on version 2");
  });

  test("a parked run ends at once by terminate()", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { node, run } = await parked(db, shop);
    await using _node = node;
    await run.terminate({ reason: "given up" });
    await assert.rejects(resultOf(run), { code: "RUN_TERMINATED", message: /given up/ });
    assert.deepEqual((await node.health()).findings.filter(({ severe }) => severe), []);
  });

  test("a parked run continues when a node comes up that has its code natively", async () => {
    await using db = await database.fresh();
    const folder = new URL("examples/demo/releases/", PROJECT);
    const read = (path: string) => Deno.readTextFile(new URL(path, folder));
    await using site = makeSite({
      "order.ts": await read("1.0.0/order.ts"),
      "prices.ts": await read("1.0.0/prices.ts"),
    });
    const { id, hash } = await suspendedOn(db, site.at("order.ts"), { items: 3 }, without);
    site.files["order.ts"] = 410;
    await using poor = await openIn(db, {
      ...without,
      trust: { modules: [`${site.url}*`] },
      workflows: [new URL("2.0.0/order.ts", folder).href],
    });
    await poor.run(id).signal("review", "approved");
    await reached(poor.run(id), "stuck_unknown_version");
    await using rich = await openIn(db, {
      ...without,
      workflows: [new URL("1.0.0/order.ts", folder).href],
      native: true,
    });
    assert.equal(await resultOf(poor.run(id)), "charged 30 EUR at once");
    assert.equal(sourceOf(await rich.health(), hash), "native");
  });

  test("a run that no live node can load waits for one that can, and both places say so", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { id, hash } = await suspended(db, shop.at("1/order.ts"));
    const deny = [hash];
    await using strange = await openIn(db, { ...NOBODY });
    await strange.run(id).signal("review", "approved");
    const { noNodeCanLoad } = await eventually(
      async () => {
        const status = await strange.run(id).status();
        return status.noNodeCanLoad === null ? undefined : status;
      },
      () => "node that can't",
    );
    assert.match(Object.values(noNodeCanLoad!)[0]!.message, /serves no workflow "order"/);
    const { findings } = await strange.health();
    assert.deepEqual(findings.filter(({ severe }) => severe).map(({ code }) => code), [
      "NO_NODE_CAN_LOAD",
    ]);
    await using _able = await openIn(db, { workflows: [shop.at("1/order.ts")] });
    assert.equal(await resultOf(strange.run(id)), "approved: 30 on version 1");
    assert.equal((await strange.health()).status, "ok");
    await assert.rejects(openIn(db, { workflows: [shop.at("1/order.ts")], trust: { deny } }), {
      code: "VERSION_UNAVAILABLE",
      message: /trust\.deny of this node names it/,
    });
  });

  async function suspendedOn(db: EmptyDatabase, url: string, input: unknown, options: OpenOptions) {
    await using node = await openIn(db, { workflows: [url], ...options });
    const run = await node.start(url, input);
    return { id: run.id, hash: (await reached(run, "suspended")).version.hash };
  }

  test("an upgrade is proven first: the event, the new version, and then its code", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    await using node = await openIn(db, {
      workflows: [shop.at("1/order.ts"), shop.at("2/order.ts")],
    });
    const run = await node.start<string>(shop.at("1/order.ts"), 3);
    const { version: before } = await reached(run, "suspended");
    const tried = await run.upgrade({ to: shop.at("2/order.ts"), dryRun: true });
    assert.equal(tried.upgraded, true);
    assert.equal((await run.status()).version.hash, before.hash);
    const report = await run.upgrade({ to: tried.to });
    assert.deepEqual(report, { ...tried, from: before.hash });
    const { version } = await run.status();
    assert.deepEqual([version.hash, version.label], [tried.to, "2"]);
    assert.equal(version.specifier, shop.at("2/order.ts"));
    const history = await run.history();
    assert.deepEqual(history.map(({ kind }) => kind), ["step.completed", "version.changed"]);
    assert.deepEqual(history[1]?.value, { from: before.hash, to: tried.to });
    assert.equal(await finish(run), "approved: 30 on version 2");
  });

  test("an upgrade that does not fit leaves the run, and says at which event and line", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    await using node = await openIn(db, {
      workflows: [shop.at("1/order.ts"), shop.at("3/order.ts")],
    });
    const run = await node.start<string>(shop.at("1/order.ts"), 3);
    const { version } = await reached(run, "suspended");
    const tried = await run.upgrade({ dryRun: true });
    const report = await run.upgrade();
    assert.deepEqual(report, tried);
    assert.equal(report.upgraded, false);
    const { drift } = report;
    assert.equal(drift?.seq, 0);
    assert.equal(drift?.expected.name, "quote");
    assert.equal(drift?.found?.name, "estimate");
    const line = INCOMPATIBLE.split("\n").findIndex((text) => text.includes("estimate")) + 1;
    assert.match(drift?.site?.file ?? "", /\/order\.ts$/);
    assert.equal(drift?.site?.line, line);
    assert.match(drift?.message ?? "", new RegExp(`"quote".*"estimate".*order\\.ts:${line}:`));
    assert.equal((await run.status()).version.hash, version.hash);
    assert.deepEqual((await run.history()).map(({ kind }) => kind), ["step.completed"]);
    assert.equal(await finish(run), "approved: 30 on version 1");
    await assert.rejects(run.upgrade(), { code: "RUN_ENDED" });
  });

  test("an upgrade to an unknown version is refused, and a client may upgrade too", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { id } = await suspended(db, shop.at("1/order.ts"));
    await using client = await connectTo(db, { workflows: [shop.at("2/order.ts")] });
    const run = client.run<string>(id);
    for (
      const [to, code] of [
        ["f".repeat(64), "VERSION_NOT_FOUND"],
        [shop.at("9/order.ts"), "VERSION_NOT_FOUND"],
        ["order@2", "INVALID_ARGUMENT"],
      ] as const
    ) {
      await assert.rejects(
        run.upgrade({ to }),
        (error: Error) => isContinuumError(error, code) && error.message.includes(to),
      );
    }
    assert.equal((await run.upgrade()).upgraded, true);
    assert.equal((await run.status()).version.label, "2");
    assert.equal((await run.status()).state, "suspended");
  });

  for (
    const [what, spoil] of Object.entries<
      (db: EmptyDatabase, shop: Site, hash: string) => Promise<unknown> | void
    >({
      "an archived module": (db, shop) => {
        takeDown(shop, 1);
        return db.query(`update {schema}.modules set bytes = bytes || '\\x20'::bytea`);
      },
      "the manifest's row": (db, shop, hash) => {
        takeDown(shop, 1);
        return db.query(
          `update {schema}.workflow_versions set manifest = manifest || ' ' where hash = $1`,
          [hash],
        );
      },
      "the served root": async (db, shop) => {
        shop.files["1/order.ts"] = ONE + " ";
        await db.query(`update {schema}.modules set bytes = bytes || '\\x20'::bytea`);
      },
      "a served member": async (db, shop) => {
        shop.files["1/price.ts"] = PRICE + " ";
        await db.query(`update {schema}.modules set bytes = bytes || '\\x20'::bytea`);
      },
    })
  ) {
    test(`with ${what} changed by one byte, nothing of the version runs`, async () => {
      await using db = await database.fresh();
      await using shop = makeShop();
      const { id, hash } = await suspended(db, shop.at("1/order.ts"));
      await spoil(db, shop, hash);
      takeMarks();
      await using node = await openIn(db, {
        workflows: [],
        trust: { modules: [`${shop.url}*`] },
      });
      const run = node.run<string>(id);
      await run.signal("review", "approved");
      await reached(run, "stuck_unknown_version");
      assert.deepEqual(takeMarks(), []);
      shop.files["1/order.ts"] = ONE;
      shop.files["1/price.ts"] = PRICE;
      await run.retry();
      assert.equal(await resultOf(run), "approved: 30 on version 1");
    });
  }

  test("a damaged archive is not asked where the URL still serves the right bytes", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const { id, hash } = await suspended(db, shop.at("1/order.ts"));
    await db.query(`update {schema}.modules set bytes = bytes || '\\x20'::bytea`);
    await using node = await openIn(db, { workflows: [shop.at("2/order.ts")] });
    assert.equal(await finish(node.run(id)), "approved: 30 on version 1");
    assert.equal(sourceOf(await node.health(), hash), "url");
  });

  test("a caller can't make a worker fetch what the operator does not let it start", async () => {
    await using db = await database.fresh();
    await using shop = makeShop();
    const modules = [`${shop.url}*`];
    {
      await using node = await openIn(db, { trust: { modules } });
      await assert.rejects(node.start(shop.at("1/order.ts"), 3), {
        code: "VERSION_NOT_FOUND",
        message: /trust\.start does not allow it, found "http.*1\/order\.ts"$/,
      });
      assert.deepEqual(shop.requests, []);
    }
    await using node = await openIn(db, {
      trust: { modules, start: [`${shop.url}1/*`] },
    });
    assert.equal(
      await finish(await node.start(shop.at("1/order.ts"), 3)),
      "approved: 30 on version 1",
    );
    await assert.rejects(node.start(shop.at("2/order.ts"), 3), { code: "VERSION_NOT_FOUND" });
    assert.deepEqual(shop.requests, ["/1/order.ts", "/1/price.ts"]);
  });

  test("of two imported versions of one workflow, each definition starts its own", async () => {
    await using db = await database.fresh();
    const urls = ["1.0.0", "2.0.0"].map((version) =>
      new URL(`examples/demo/releases/${version}/order.ts`, PROJECT).href
    );
    await using node = await openIn(db, { workflows: urls });
    for (const url of urls) {
      const { default: order } = await import(url);
      const run = await node.start<string>(order, { items: 3 } as never);
      const { version } = await reached(run, "suspended");
      assert.equal(version.label, order.version);
      assert.equal(await finish(run), await finish(await node.start(url, { items: 3 })));
    }
  });

  test("for debugging, the application's own import is used as it is", async () => {
    await using db = await database.fresh();
    const url = new URL("examples/demo/releases/2.0.0/order.ts", PROJECT).href;
    const { default: order } = await import(url);
    await using node = await openIn(db, { workflows: [url], native: true });
    const run = await node.start<string>(order, { items: 3 } as never);
    await reached(run, "suspended");
    const { version } = await run.status();
    assert.equal(sourceOf(await node.health(), version.hash), "native");
    assert.match(version.specifier, /^app:.*examples\/demo\/releases\/2\.0\.0\/order\.ts$/);
  });
});

async function connectTo(db: EmptyDatabase, options: Parameters<typeof Continuum.connect>[0]) {
  const { Continuum } = await import("../../src/continuum.ts");
  const { database, schema } = db;
  return await Continuum.connect({ database, schema, ...options });
}
