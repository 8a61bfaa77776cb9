/**
 * Which code may run on a node.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isPrivateAddress, isPrivateHost } from "../../src/version/fetch/address.ts";
import { GraphFetcher } from "../../src/version/fetch/graph_fetcher.ts";
import { readGraph } from "../../src/version/graph/read.ts";
import { Trust, type TrustPattern, type TrustScope } from "../../src/version/fetch/trust.ts";
import { makeFolder, serve } from "../support/modules.ts";
import { hasCode } from "../support/errors.ts";

const HOST = "https://cdn.example";

function allows(scope: TrustScope, url: string, referrer?: string, isRedirect = false): boolean {
  try {
    scope.check(url, referrer, isRedirect);
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, "UNTRUSTED_MODULE");
    return false;
  }
}

function scopeOf(modules: readonly TrustPattern[], root = `${HOST}/wf/order.ts`): TrustScope {
  return new Trust({ modules }, []).scope(root, false);
}

const TRICKS: Readonly<Record<string, boolean>> = {
  [`${HOST}/wf/order.ts`]: true,
  [`${HOST}/wf/deep/er/order.ts`]: true,
  [`HTTPS://CDN.EXAMPLE/wf/order.ts`]: true,
  [`${HOST}:443/wf/order.ts`]: true,
  [`${HOST}/wf/./order.ts`]: true,
  [`${HOST}/wf/a/../order.ts`]: true,
  [`${HOST}/wf/@scope%2fname.ts`]: true,
  [`${HOST}/wf-evil/order.ts`]: false,
  [`${HOST}/wf@evil.host/order.ts`]: false,
  [`https://cdn.example@evil.host/wf/order.ts`]: false,
  [`https://cdn.example:pw@evil.host/wf/order.ts`]: false,
  [`https://user@cdn.example/wf/order.ts`]: false,
  [`${HOST}/wf/../evil/order.ts`]: false,
  [`${HOST}/wf/%2e%2e/evil/order.ts`]: false,
  [`${HOST}/wf/.%2E/evil/order.ts`]: false,
  [`${HOST}/wf/..%2fevil/order.ts`]: false,
  [`${HOST}/wf/a%5c..%5cevil.ts`]: false,
  [`${HOST}\\wf\\..\\evil\\order.ts`]: false,
  [`${HOST}/wf/%252e%252e/evil/order.ts`]: false,
  [`${HOST}/wf/%25252e./evil/order.ts`]: false,
  [`${HOST}/wf/..%252fevil/order.ts`]: false,
  [`${HOST}/wf/a%255c..%255cevil.ts`]: false,
  [`${HOST}/wf/..;/evil/order.ts`]: false,
  [`${HOST}/wf/..;a=b/evil/order.ts`]: false,
  [`${HOST}/wf/..%3b/evil/order.ts`]: false,
  [`${HOST}/wf/%c0%ae%c0%ae/evil/order.ts`]: false,
  [`${HOST}/wf/..%c0%afevil/order.ts`]: false,
  [`${HOST}/wf/..a/order.ts`]: true,
  [`${HOST}/wf/a../order.ts`]: true,
  [`${HOST}/wf/...;/order.ts`]: true,
  [`${HOST}/wf/a;b/order.ts`]: true,
  [`https://cdn.example.evil.host/wf/order.ts`]: false,
  [`https://evil.host/cdn.example/wf/order.ts`]: false,
  [`https://cdn.example./wf/order.ts`]: false,
  [`${HOST}:8443/wf/order.ts`]: false,
  [`http://cdn.example/wf/order.ts`]: false,
  [`https://evil.host/?${HOST}/wf/order.ts`]: false,
  [`https://evil.host/#${HOST}/wf/order.ts`]: false,
  [`${HOST}/WF/order.ts`]: false,
  [`blob:${HOST}/wf/order.ts`]: false,
  [`ftp://cdn.example/wf/order.ts`]: false,
  [`file://cdn.example/wf/order.ts`]: false,
};

Deno.test("a pattern is matched on the parsed URL, and no prefix trick gets past it", () => {
  for (
    const pattern of [`${HOST}/wf/*`, new URLPattern(`${HOST}/wf/*`), {
      protocol: "https",
      hostname: "cdn.example",
      port: "",
      pathname: "/wf/*",
    }]
  ) {
    const scope = scopeOf([pattern]);
    for (const [url, wanted] of Object.entries(TRICKS)) {
      assert.equal(allows(scope, url), wanted, url);
    }
  }
});

Deno.test("an exact specifier trusts that one URL, not what only begins like it", () => {
  const scope = scopeOf([`${HOST}/wf/order.ts`]);
  assert.ok(allows(scope, `${HOST}/wf/order.ts`));
  for (const url of ["order.ts.evil", "order.tsx", "order.ts?v=2", "other.ts", ""]) {
    assert.equal(allows(scope, `${HOST}/wf/${url}`), false, url);
  }
});

Deno.test("an exact URL means itself, whatever a pattern would make of its letters", () => {
  const urls = ["order(1).ts", "a(b|c).ts", "{x}.ts", "[id].ts", "a+b$.ts", "(group)/order.ts"];
  for (const url of urls) {
    const scope = scopeOf([`${HOST}/wf/${url}`]);
    assert.ok(allows(scope, `${HOST}/wf/${url}`), url);
    assert.equal(allows(scope, `${HOST}/wf/`), false, url);
  }
  // Parentheses around a plain word are no group.
  assert.equal(allows(scopeOf([`${HOST}/wf/order(1).ts`]), `${HOST}/wf/order1.ts`), false);
  assert.ok(allows(scopeOf([`${HOST}/(a)/*`]), `${HOST}/(a)/x.ts`));
  assert.ok(allows(scopeOf([`${HOST}/wf/(\\d+).ts`]), `${HOST}/wf/12.ts`));
});

Deno.test("an exact jsr: specifier trusts that version's files as its own graph, and nothing else", () => {
  const root = "jsr:@s/n@1.0.0/order";
  const trust = new Trust({ modules: [root] }, []);
  const folder = "https://jsr.io/@s/n/";
  for (const same of [root, "jsr:/@s/n@1.0.0/order"]) {
    assert.ok(trust.trusts(same));
    const scope = trust.scope(same, false);
    assert.ok(allows(scope, `${folder}1.0.0_meta.json`));
    assert.ok(allows(scope, `${folder}1.0.0/order.ts`));
    assert.ok(allows(scope, `${folder}1.0.0/lib/dep.ts`, `${folder}1.0.0/order.ts`));
    for (const other of ["meta.json", "1.0.1_meta.json", "1.0.1/order.ts", "1.0.0-rc.1/order.ts"]) {
      assert.equal(allows(scope, folder + other), false, other);
    }
    assert.equal(allows(scope, "https://jsr.io/@s/nn/1.0.0/order.ts"), false);
  }
  const others = [
    "jsr:@s/n@1.0.1/order",
    "jsr:@s/n@1.0.0",
    "jsr:@s/n@1.0.0/other",
    "jsr:@s/n/order",
    "jsr:@s/n@^1/order",
    `${folder}1.0.0/order.ts`,
    `${folder}1.0.0/other.ts`,
  ];
  for (const other of others) {
    assert.equal(trust.trusts(other), false, other);
    assert.equal(allows(trust.scope(other, false), `${folder}1.0.0/order.ts`), false, other);
  }
});

Deno.test("a jsr: range trusts the versions in it; a pattern, those of what it matches", () => {
  const folder = "https://jsr.io/@s/n/";
  for (const modules of [["jsr:@s/n@^1.2.0/order"], ["jsr:@s/*"]]) {
    const scope = new Trust({ modules }, []).scope("jsr:@s/n@^1.2.0/order", false);
    assert.ok(allows(scope, `${folder}meta.json`));
    assert.ok(allows(scope, `${folder}1.3.0_meta.json`));
    assert.ok(allows(scope, `${folder}1.3.0/order.ts`));
    assert.equal(allows(scope, `${folder}2.0.0/order.ts`), false);
    assert.equal(allows(scope, "https://jsr.io/@s/m/1.3.0/order.ts"), false);
  }
});

Deno.test("what is no pattern, hash or list is refused by its value", () => {
  const hash = "0123456789abcdef".repeat(4);
  new Trust({ deny: [hash] }, []);
  assert.ok(new Trust({ deny: [hash] }, []).denies(hash));
  const wrong: readonly (readonly [object, string])[] = [
    [{ deny: [hash.toUpperCase()] }, hash.toUpperCase()],
    [{ deny: [hash.slice(0, 12)] }, hash.slice(0, 12)],
    [{ deny: [`${hash} `] }, `${hash} `],
    [{ deny: [`${hash}\n`] }, hash],
    [{ deny: [`sha256-${hash}`] }, "sha256-0123"],
    [{ deny: [""] }, '""'],
    [{ deny: [null] }, "null"],
    [{ deny: [undefined] }, "undefined"],
    [{ deny: hash }, hash],
    [{ deny: new Set([hash]) }, "class Set"],
    [{ modules: `${HOST}/*` }, `${HOST}/*`],
    [{ start: `${HOST}/*` }, `${HOST}/*`],
    [{ start: "true" }, "true"],
    [{ start: 1 }, "1"],
    [{ modules: [""] }, '""'],
    [{ modules: [7] }, "7"],
    [{ modules: [null] }, "null"],
    [{ modules: [["a"]] }, "an array"],
    [{ modules: ["./order.ts"] }, "./order.ts"],
    [{ modules: ["htps://cdn.example/order.ts"] }, "htps://cdn.example/order.ts"],
    [{ modules: ["npm:name@1.0.0"] }, "npm:name"],
    [{ modules: ["https://user:pw@cdn.example/order.ts"] }, "cdn.example"],
    [{ modules: [`${HOST}/..%2forder.ts`] }, "..%2forder.ts"],
    [{ modules: [{}] }, "an object"],
    [{ modules: [{ hostname: undefined }] }, "an object"],
    [{ modules: [{ host: "cdn.example" }] }, "host"],
    [{ modules: [{ hostname: "cdn.example", path: "/wf/*" }] }, "path"],
  ];
  for (const [options, value] of wrong) {
    assert.throws(() => new Trust(options, []), (error: Error & { code?: string }) => {
      assert.equal(error.code, "INVALID_ARGUMENT", value);
      assert.ok(error.message.includes(`trust.${Object.keys(options)[0]}`), error.message);
      assert.ok(error.message.includes(value), error.message);
      return true;
    }, value);
  }
});

Deno.test("with patterns, members and redirects must match as the root must", () => {
  const scope = scopeOf([`${HOST}/wf/*`]);
  const root = `${HOST}/wf/order.ts`;
  assert.ok(allows(scope, `${HOST}/wf/lib.ts`, root));
  assert.ok(allows(scope, "data:text/javascript,1", root));
  assert.equal(allows(scope, "https://other.example/lib.ts", root), false);
  assert.equal(allows(scope, "https://other.example/order.ts", root, true), false);
});

Deno.test("without patterns, the node's own workflows are trusted with what they import", () => {
  const trust = new Trust({}, [`${HOST}/wf/order.ts`, "file:///app/order.ts"]);
  const root = `${HOST}/wf/order.ts`;
  const scope = trust.scope(root, false);
  assert.ok(trust.trusts(root));
  assert.ok(allows(scope, root));
  assert.ok(allows(scope, "https://other.example/lib.ts", root));
  assert.ok(allows(scope, `${HOST}/wf/moved.ts`, root, true), "a redirect on one origin");
  assert.equal(allows(scope, "https://other.example/x.ts", root, true), false, "a redirect away");
  assert.ok(
    allows(trust.scope("file:///app/order.ts", false), "file:///lib/x.ts", "file:///app/order.ts"),
  );
  assert.equal(trust.trusts(`${HOST}/wf/other.ts`), false);
  assert.equal(allows(trust.scope(`${HOST}/wf/other.ts`, false), `${HOST}/wf/other.ts`), false);
});

Deno.test("a remote module brings in nothing local, whatever the patterns say", () => {
  const scope = scopeOf(["file:///app/*", `${HOST}/*`]);
  assert.equal(allows(scope, "file:///app/secret.json", `${HOST}/wf/order.ts`), false);
  assert.equal(allows(scope, "file:///app/secret.json", `${HOST}/wf/order.ts`, true), false);
});

Deno.test("hosts that are not of the public internet must be listed", () => {
  const hosts = [
    "localhost",
    "db.localhost",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "metadata.google.internal",
    "[::1]",
    "[::]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fe80::1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:a9fe:a9fe]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[::7f00:1]",
    "[::ffff:0:7f00:1]",
    "[::ffff:0:a9fe:a9fe]",
    "[2606:4700::5efe:a00:1]",
    "[2606:4700::200:5efe:127.0.0.1]",
    "[64:ff9b:1::808:808]",
    "[2001:0:808:808::f5ff:fffe]",
    "[2001::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[100::1]",
    "[5f00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "192.88.99.1",
  ];
  const root = `${HOST}/wf/order.ts`;
  const trust = new Trust({}, [root]);
  for (const host of hosts) {
    const { hostname } = new URL(`http://${host}/`);
    assert.ok(isPrivateHost(hostname), hostname);
    assert.equal(allows(trust.scope(root, false), `http://${host}/x.ts`, root), false, host);
    assert.ok(allows(scopeOf([`http://${hostname}/*`]), `http://${host}/x.ts`), host);
  }
  const open = [
    "cdn.example",
    "8.8.8.8",
    "172.32.0.1",
    "11.0.0.1",
    "[2606:4700::1111]",
    "[2001:4860:4860::8888]",
    "[2001:200::1]",
    "[64:ff9b::808:808]",
    "[::ffff:808:808]",
    "[2002:808:808::]",
  ];
  for (const host of open) {
    assert.equal(isPrivateHost(new URL(`http://${host}/`).hostname), false, host);
  }
  assert.equal(isPrivateAddress("fe80::1%eth0"), true);
  const own = new Trust({}, ["http://127.0.0.1:8000/wf/a.ts"]);
  const scope = own.scope("http://127.0.0.1:8000/wf/a.ts", false);
  assert.ok(allows(scope, "http://127.0.0.1:8000/wf/b.ts", "http://127.0.0.1:8000/wf/a.ts"));
  assert.equal(allows(scope, "http://127.0.0.1:5432/", "http://127.0.0.1:8000/wf/a.ts"), false);
});

Deno.test("a public name that leads to a private address is refused before it is asked", async () => {
  // Every resolver answers an address with itself.
  const scope = new Trust({}, []).scope("https://cdn.example/x.ts", false);
  await assert.rejects(scope.checkHost("http://127.0.0.1/x.ts"), { code: "UNTRUSTED_MODULE" });
});

Deno.test({
  name: "where names may not be looked up, only hosts that are named are asked",
  permissions: { net: ["named.example"] },
  async fn() {
    const root = "https://cdn.example/x.ts";
    const refused = { code: "UNTRUSTED_MODULE", message: /may not look up/ };
    for (const trust of [new Trust({}, [root]), new Trust({ modules: [`${HOST}/*`] }, [])]) {
      const scope = trust.scope(root, false);
      await assert.rejects(scope.checkHost("https://other.example/x.ts"), refused);
      await scope.checkHost(root);
      await scope.checkHost("http://8.8.8.8/x.ts");
      await assert.rejects(scope.checkHost("http://10.0.0.1/x.ts"), { code: "UNTRUSTED_MODULE" });
    }
  },
});

Deno.test("a name that does not resolve now is looked up later, not at once", async () => {
  const scope = new Trust({}, []).scope("https://cdn.example/x.ts", false);
  await assert.rejects(
    scope.checkHost("https://no-such-name.invalid/x.ts"),
    hasCode("FETCH_FAILED", { kind: "passing" }),
  );
});

Deno.test("start takes unregistered specifiers only where trust.start says so", () => {
  assert.equal(new Trust({}, []).mayStart(`${HOST}/wf/a.ts`), false);
  assert.equal(new Trust({ start: true }, []).mayStart(`${HOST}/wf/a.ts`), true);
  const some = new Trust({ start: [`${HOST}/wf/*`] }, []);
  for (const [url, wanted] of Object.entries(TRICKS)) {
    if (!/@|%2f|%5c|%25|%c0|%3b|\.\.;/.test(url)) assert.equal(some.mayStart(url), wanted, url);
  }
});

function fetcherOf(
  modules: readonly TrustPattern[],
  root: string,
  fetcher?: typeof fetch,
  limits = {},
): GraphFetcher {
  return new GraphFetcher(new Trust({ modules }, []).scope(root, false), fetcher, limits);
}

Deno.test("a redirect is checked before it is followed", async () => {
  await using inner = serve({ "secret.ts": "export default 1" });
  await using outer = serve({
    "wf/away.ts": { redirect: `${inner.url}secret.ts` },
    "wf/climb.ts": { redirect: "/other/x.ts" },
    "wf/file.ts": { redirect: "file:///etc/passwd" },
    "wf/loop.ts": { redirect: "/wf/loop.ts" },
    "wf/moved.ts": { redirect: "/wf/here.ts" },
    "wf/here.ts": "export default 1",
  });
  const fetcher = fetcherOf([`${outer.url}wf/*`], `${outer.url}wf/a.ts`);
  for (const path of ["away", "climb", "file"]) {
    await assert.rejects(fetcher.fetch(`${outer.url}wf/${path}.ts`), { code: "UNTRUSTED_MODULE" });
  }
  await assert.rejects(fetcher.fetch(`${outer.url}wf/loop.ts`), { code: "FETCH_REDIRECTS" });
  const moved = await fetcher.fetch(`${outer.url}wf/moved.ts`);
  assert.equal(moved.url, `${outer.url}wf/here.ts`);
  assert.deepEqual(moved.redirects, [`${outer.url}wf/moved.ts`]);
  assert.deepEqual(inner.requests, []);
});

Deno.test("the status of a response determines what it means", async () => {
  await using server = serve({
    "a": 404,
    "b": 410,
    "c": 401,
    "d": 403,
    "e": 500,
    "f": 503,
    "g": 429,
  });
  const fetcher = fetcherOf([`${server.url}*`], server.url);
  const codes: Record<string, unknown> = {};
  for (const path of ["a", "b", "c", "d", "e", "f", "g"]) {
    await fetcher.fetch(server.url + path).catch((error) => {
      codes[path] = [error.code, error.details.status, error.details.kind];
    });
  }
  assert.deepEqual(codes, {
    a: ["MODULE_NOT_FOUND", 404, undefined],
    b: ["MODULE_NOT_FOUND", 410, undefined],
    c: ["FETCH_STATUS", 401, "node"],
    d: ["FETCH_STATUS", 403, "node"],
    e: ["FETCH_STATUS", 500, "passing"],
    f: ["FETCH_STATUS", 503, "passing"],
    g: ["FETCH_STATUS", 429, "passing"],
  });
  const { url } = server;
  await server[Symbol.asyncDispose]();
  await assert.rejects(
    fetcher.fetch(`${url}a`),
    hasCode("FETCH_FAILED", { kind: "passing" }),
  );
});

Deno.test("bytes, redirects and time are bounded, decompressed bytes among them", async () => {
  const bomb = new Response(
    new Blob([new Uint8Array(1_000_000)]).stream().pipeThrough(
      new CompressionStream("gzip"),
    ),
  );
  const zipped = await bomb.bytes();
  assert.ok(zipped.byteLength < 10_000);
  let aborted = false;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    if (request.url.endsWith("/bomb.js")) {
      return new Response(zipped, { headers: { "content-encoding": "gzip" } });
    }
    return new Response(
      new ReadableStream({
        cancel() {
          aborted = true;
        },
      }),
    );
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const fetcher = (limits: object) => fetcherOf([`${url}*`], url, undefined, limits);
  await assert.rejects(
    fetcher({ moduleBytes: 100_000 }).fetch(`${url}bomb.js`),
    hasCode("FETCH_LIMIT", { kind: "node" }),
  );
  const twice = fetcher({ bytes: 1_500_000 });
  await twice.fetch(`${url}bomb.js`);
  await assert.rejects(twice.fetch(`${url}bomb.js`), { code: "FETCH_LIMIT" });
  await assert.rejects(
    fetcher({ requestMs: 50 }).fetch(`${url}never.js`),
    hasCode("FETCH_TIMEOUT", { kind: "passing" }),
  );
  await server.shutdown();
  assert.ok(aborted);
});

Deno.test("a custom fetch serves hosts that only it can reach, within the same trust", async () => {
  const asked: string[] = [];
  const custom = ((input: string) => {
    asked.push(input);
    return Promise.resolve(new Response("export default 1;"));
  }) as unknown as typeof fetch;
  const fetcher = fetcherOf(
    ["https://code.corp.example/*"],
    "https://code.corp.example/a.ts",
    custom,
  );
  const graph = await readGraph("https://code.corp.example/a.ts", {
    fetchModule: (url) => fetcher.fetch(url),
  });
  assert.equal(graph.manifest.content.members.length, 1);
  assert.deepEqual(asked, ["https://code.corp.example/a.ts"]);
});

Deno.test("where a given fetch followed a redirect, the URL that answered is checked", async () => {
  await using inner = serve({ "secret.ts": "export default 1" });
  await using outer = serve({
    "wf/away.ts": { redirect: `${inner.url}secret.ts` },
    "wf/moved.ts": { redirect: "/wf/here.ts" },
    "wf/here.ts": "export default 1",
  });
  const following =
    ((url: string, init: RequestInit) =>
      fetch(url, { ...init, redirect: "follow" })) as unknown as typeof fetch;
  const fetcher = fetcherOf([`${outer.url}wf/*`], `${outer.url}wf/a.ts`, following);
  await assert.rejects(fetcher.fetch(`${outer.url}wf/away.ts`), { code: "UNTRUSTED_MODULE" });
  const moved = await fetcher.fetch(`${outer.url}wf/moved.ts#part`);
  assert.equal(moved.url, `${outer.url}wf/here.ts#part`);
  assert.deepEqual(moved.redirects, [`${outer.url}wf/moved.ts#part`]);
  const here = await fetcher.fetch(`${outer.url}wf/here.ts#part`);
  assert.deepEqual([here.url, here.redirects], [`${outer.url}wf/here.ts#part`, []]);
  const answering = (told: Record<string, unknown>) =>
    fetcherOf(
      [`${outer.url}wf/*`],
      `${outer.url}wf/a.ts`,
      (() => {
        const response = new Response("export default 1;");
        for (const [key, value] of Object.entries(told)) {
          Object.defineProperty(response, key, { value });
        }
        return Promise.resolve(response);
      }) as unknown as typeof fetch,
    );
  const asked = `${outer.url}wf/a.ts`;
  await assert.rejects(answering({ redirected: true }).fetch(asked), { code: "FETCH_REDIRECTS" });
  await assert.rejects(answering({ url: "nowhere" }).fetch(asked), { code: "FETCH_REDIRECTS" });
  for (const url of ["file:///etc/passwd", "http://127.0.0.1:1/x.ts", "https://a@cdn.example/"]) {
    await assert.rejects(answering({ url }).fetch(asked), { code: "UNTRUSTED_MODULE" }, url);
  }
  assert.deepEqual((await answering({ url: asked }).fetch(asked)).redirects, []);
});

Deno.test("a given fetch that ignores its signal is left behind, and so is a body", async () => {
  const asked = `${HOST}/wf/a.ts`;
  const never = new Promise<never>(() => {});
  const body = () => new ReadableStream({ pull: () => never, cancel: () => never });
  const hanging: Record<string, () => Promise<Response>> = {
    "no answer": () => never,
    "no body": () => Promise.resolve(new Response(body())),
    "a body that can't be cancelled": () => Promise.resolve(new Response(body(), { status: 500 })),
  };
  for (const [name, answer] of Object.entries(hanging)) {
    const given = answer as unknown as typeof fetch;
    const fetcher = fetcherOf([`${HOST}/*`], asked, given, { requestMs: 1 });
    const code = name === "a body that can't be cancelled" ? "FETCH_STATUS" : "FETCH_TIMEOUT";
    await assert.rejects(fetcher.fetch(asked), hasCode(code, { kind: "passing" }), name);
  }
});

Deno.test("devices, pipes and folders are not modules, and are never read", async () => {
  await using folder = await makeFolder({ "order.ts": `import "./pipe.ts";`, "sub/x.ts": "" });
  const { success } = await new Deno.Command("mkfifo", {
    args: [new URL("pipe.ts", folder.url).pathname],
  }).output();
  assert.ok(success);
  await Deno.symlink("/dev/zero", new URL("zero.ts", folder.url));
  const fetcher = fetcherOf(["file:///*"], folder.url);
  for (const path of ["pipe.ts", "zero.ts", "sub"]) {
    await assert.rejects(fetcher.fetch(folder.url + path), { code: "MODULE_NOT_FOUND" }, path);
    await assert.rejects(readGraph(folder.url + path), { code: "MODULE_NOT_FOUND" }, path);
  }
  await assert.rejects(readGraph(`${folder.url}order.ts`), /pipe\.ts.*no regular file/);
});

Deno.test("a file is absent, or bounded, like anything else", async () => {
  await using folder = await makeFolder({ "big.ts": "x".repeat(1_000) });
  const fetcher = fetcherOf(["file:///*"], folder.url, undefined, { moduleBytes: 100 });
  await assert.rejects(fetcher.fetch(`${folder.url}none.ts`), { code: "MODULE_NOT_FOUND" });
  await assert.rejects(fetcher.fetch(`${folder.url}big.ts`), { code: "FETCH_LIMIT" });
});
