/** Archive files are fetched as Deno fetches them, verified, and without a question to anybody. */
import assert from "node:assert/strict";
import { NpmRegistry } from "../../src/version/packages/npm_registry.ts";
import { isCached } from "../../src/version/packages/npm_cache.ts";
import { authorizationFor, parseNpmrc, registryOf } from "../../src/version/project/npmrc.ts";
import { makeFolder } from "../support/modules.ts";
import { NpmRegistryDouble } from "../support/npm_registry.ts";
import { deno } from "../support/processes.ts";

const PACKAGES = [
  { name: "plain", version: "1.0.0", files: { "index.js": "exports.a = 1;" } },
  { name: "@acme/scoped", version: "2.1.0", files: { "index.js": "exports.b = 1;" } },
  { name: "Upper.Case", version: "1.0.0", files: { "index.js": "exports.c = 1;" } },
];

function wanted(double: NpmRegistryDouble, name: string, version: string) {
  return { name, version, integrity: double.lock[`${name}@${version}`]!.integrity };
}

function at(double: NpmRegistryDouble, more = ""): NpmRegistry {
  return new NpmRegistry(parseNpmrc(`registry=${double.url}\n${more}`));
}

Deno.test("an archive file is fetched where registries have them, or where the document says", async () => {
  await using double = new NpmRegistryDouble(PACKAGES);
  const registry = at(double);
  for (const { name, version } of PACKAGES) {
    const found = await registry.fetch(wanted(double, name, version), 1e6);
    assert.ok("bytes" in found, JSON.stringify(found));
  }
  assert.equal(double.asked[1], "/@acme/scoped/-/scoped-2.1.0.tgz");
  double.placeOf = (name, version) => `elsewhere/${name}/${version}`;
  assert.ok("bytes" in await registry.fetch(wanted(double, "@acme/scoped", "2.1.0"), 1e6));
  const tarball = `${double.url}elsewhere/plain/1.0.0`;
  const asked = double.asked.length;
  assert.ok("bytes" in await registry.fetch({ ...wanted(double, "plain", "1.0.0"), tarball }, 1e6));
  assert.deepEqual(double.asked.slice(asked), ["/elsewhere/plain/1.0.0"], "the lock knows it");
});

Deno.test("REGISTRY-1: what the lock does not pin is not taken", async () => {
  await using double = new NpmRegistryDouble(PACKAGES);
  const { integrity } = wanted(double, "plain", "1.0.0");
  const reason = async (wants: object, most = 1e6) => {
    const found = await at(double).fetch({ ...wanted(double, "plain", "1.0.0"), ...wants }, most);
    return "reason" in found ? found.reason : assert.fail("it was taken");
  };
  assert.match(await reason({ integrity: integrity.replace(/-../, "-AA") }), /other content/);
  assert.match(await reason({ integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" }), /wanted sha512/);
  assert.match(await reason({ version: "9.9.9" }), /answers 404/);
  assert.match(await reason({}, 10), /more than 10 bytes/);
  assert.match(await reason({ tarball: "file:///etc/passwd", name: "none" }), /answers 404/);
});

Deno.test("REGISTRY-3: a .npmrc names registries of scopes, and its secrets go to their server alone", async () => {
  await using own = new NpmRegistryDouble(PACKAGES);
  await using other = new NpmRegistryDouble(PACKAGES);
  own.wants = "Bearer secret";
  const host = new URL(own.url).host;
  Deno.env.set("TOKEN_FOR_TEST", "secret");
  const settings = parseNpmrc(`; a comment
    registry = ${other.url}
    @acme:registry=${own.url}
    //${host}/:_authToken=\${TOKEN_FOR_TEST}`);
  Deno.env.delete("TOKEN_FOR_TEST");
  const registry = new NpmRegistry(settings);
  assert.ok("bytes" in await registry.fetch(wanted(own, "@acme/scoped", "2.1.0"), 1e6));
  assert.deepEqual(other.asked, []);
  assert.ok("bytes" in await registry.fetch(wanted(other, "plain", "1.0.0"), 1e6));
  other.wants = "Bearer secret";
  const refused = await registry.fetch(wanted(other, "plain", "1.0.0"), 1e6);
  assert.match("reason" in refused ? refused.reason : "", /answers 401/);
  await using redirecting = new NpmRegistryDouble([]);
  const answer = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    assert.equal(request.headers.get("authorization"), "Basic bWU6aGlkZGVu");
    return Response.redirect(`${redirecting.url}plain/-/plain-1.0.0.tgz`, 302);
  });
  redirecting.wants = "Basic bWU6aGlkZGVu";
  const at = `127.0.0.1:${answer.addr.port}`;
  const moved = new NpmRegistry(parseNpmrc(`registry=http://${at}/
    //${at}/:username=me
    //${at}/:_password=${btoa("hidden")}`));
  const found = await moved.fetch(wanted(other, "plain", "1.0.0"), 1e6);
  assert.match(
    "reason" in found ? found.reason : "",
    /answers 401/,
    "the secret was not passed on",
  );
  await answer.shutdown();
});

Deno.test("settings of a .npmrc: quotes, paths of servers, and what is not known", () => {
  const settings = parseNpmrc(`# no
registry="https://npm.acme.test/all"
//npm.acme.test/all/:_auth=YTpi
//npm.acme.test/all/secret/:_authToken=deep
@no:registry=nonsense
broken`);
  assert.equal(registryOf(settings, "zod")?.href, "https://npm.acme.test/all/");
  assert.equal(registryOf(settings, "@no/zod"), undefined);
  const told = (url: string) => authorizationFor(settings, new URL(url));
  assert.equal(told("https://npm.acme.test/all/zod/-/zod-1.0.0.tgz"), "Basic YTpi");
  assert.equal(told("https://npm.acme.test/all/secret/zod.tgz"), "Bearer deep");
  assert.equal(told("https://npm.acme.test/other/zod.tgz"), undefined);
  assert.equal(told("https://npm.acme.test:8443/all/zod.tgz"), undefined);
  assert.equal(registryOf(parseNpmrc(""), "zod")?.protocol, "https:");
});

Deno.test("REGISTRY-2: a server that is not reached is asked once, and one that is forbidden never", async () => {
  const port = (() => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return (listener.addr as Deno.NetAddr).port;
  })();
  const registry = new NpmRegistry(parseNpmrc(`registry=http://127.0.0.1:${port}/`));
  const integrity = `sha512-${"A".repeat(86)}==`;
  const reasons = await Promise.all(
    ["a", "b"].map((name) => registry.fetch({ name, version: "1.0.0", integrity }, 1e6)),
  );
  for (const found of reasons) {
    assert.match("reason" in found ? found.reason : "", /can't be reached/);
  }
  await using folder = await makeFolder({
    "main.ts": `import { NpmRegistry } from "${new URL(
      "../../src/version/packages/npm_registry.ts",
      import.meta.url,
    )}";
      const registry = await NpmRegistry.of(new URL("./", import.meta.url).href);
      const integrity = "${integrity}";
      console.log(JSON.stringify(await registry.fetch({ name: "a", version: "1.0.0", integrity }, 9)));`,
  });
  const { output, errors } = await deno(["run", "--no-check", "--quiet", `${folder.url}main.ts`]);
  assert.match(output, /this process may not reach registry\.npmjs\.org/, errors);
});

Deno.test("Deno's cache is read also for a name with upper-case letters", async () => {
  await using double = new NpmRegistryDouble(PACKAGES);
  await using folder = await makeFolder({
    "deno.json": "{}",
    "main.ts": `import c from "npm:Upper.Case@1.0.0";
      import a from "npm:plain@1.0.0";
      console.log(a.a + c.c);`,
  });
  const path = (name: string) => decodeURIComponent(new URL(name, folder.url).pathname);
  const { output, errors } = await deno(["run", "-A", "--quiet", "main.ts"], {
    cwd: path("."),
    env: { DENO_DIR: path("dir"), NPM_CONFIG_REGISTRY: double.url },
  });
  assert.equal(output.trim(), "2", errors);
  const before = Deno.env.get("DENO_DIR");
  Deno.env.set("DENO_DIR", path("dir"));
  try {
    for (const name of ["plain", "Upper.Case"]) assert.ok(await isCached(name, "1.0.0"), name);
    assert.equal(await isCached("upper.case", "1.0.0"), false);
  } finally {
    if (before === undefined) Deno.env.delete("DENO_DIR");
    else Deno.env.set("DENO_DIR", before);
  }
});
