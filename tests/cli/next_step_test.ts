/**
 * What findings of the health report say to do next: the commands are taken, and the pages are there.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Finding } from "../../src/operate/health.ts";
import { nextStepOf } from "../../src/operate/next_step.ts";
import { Router } from "../../src/observer/router.ts";
import { ROUTES } from "../../src/observer/routes.ts";
import { linksFrom } from "../../src/observer/links.ts";
import { shellWords } from "../support/cli.ts";
import { CliWorld } from "../support/cli_world.ts";
import { source } from "../support/scene.ts";

const HEALTH = new URL("../../docs/health.md", import.meta.url);

Deno.test("the next step of each finding is a command that exists, and a page that exists", async () => {
  const codes = [...(await Deno.readTextFile(HEALTH)).matchAll(/^\| `([A-Z_]+)` +\| (?:yes|no)/gm)]
    .map(([, code]) => code as Finding["code"]);
  assert(codes.length > 15, `${codes.length} findings in docs/health.md`);
  await using world = await CliWorld.make({ "order.ts": source("return 1;", `{ name: "it's" }`) });
  const node = await world.node("order.ts");
  const { versions: [version] } = await node.versions.list();
  await node.schedules.create({ id: "n $(id)", workflow: "it's", every: "1d" });
  await node.close();
  const details = {
    hash: version!.hash,
    workflow: "it's",
    queue: "mail",
    id: "n $(id)",
    namespace: "default",
  };
  const router = new Router(ROUTES);
  for (const code of codes) {
    const { command, page } = nextStepOf({ code, details } as unknown as Finding);
    const words = await shellWords(command);
    const { code: exit, error } = await world.here(words);
    assert.equal(exit, 0, `${code}: ${command}: ${error}`);
    const { pathname } = new URL(`${linksFrom("/")(page.path)}`, "http://observer.test");
    const found = router.find(pathname);
    assert.equal(found?.route.kind, "page", `${code}: ${pathname}`);
    const names = found.route.parameters?.map(({ name }) => name) ?? [];
    for (const name of Object.keys(page.query ?? {})) {
      assert(names.includes(name), `${code}: ${name}`);
    }
    const withheld = nextStepOf({ code, details: {} } as unknown as Finding);
    assert.equal(typeof withheld.command, "string", `${code} without its details`);
  }
});
