/**
 * Media types are Deno's: every pair of extension and content type, as the installed Deno reads it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mediaTypeOf } from "../../src/version/manifest/media_type.ts";
import { makeFolder } from "../support/modules.ts";

/** Each is a module in some media types only, and fails in its own way in the others. */
const PROBES = {
  plain: "export default 1",
  angle: "export default <number>1",
  as: "export default 1 as number",
  jsx: "export default <a/>",
};

const NAMES = [
  ...[
    "x",
    "x.js",
    "x.mjs",
    "x.cjs",
    "x.jsx",
    "x.ts",
    "x.mts",
    "x.cts",
    "x.tsx",
    "x.d.ts",
    "x.d.mts",
  ],
  ...[
    "x.d.cts",
    "x.d.css.ts",
    "x.json",
    "x.jsonc",
    "x.json5",
    "x.wasm",
    "x.css",
    "x.html",
    "x.sql",
  ],
  ...[
    "x.map",
    "x.txt",
    "x.JS",
    "x.TS",
    "x.Tsx",
    "x.js/",
    "x.tsx?x=.ts",
    "x.ts#.js",
    "a.ts/x",
    "x.",
  ],
  ...[".ts", "x.tS?", "x.t%73", "constructor", "x.constructor"],
];

const CONTENT_TYPES = [
  undefined,
  ...["application/typescript", "text/typescript", "video/vnd.dlna.mpeg-tts", "video/mp2t"],
  ...["application/x-typescript", "text/x-typescript", "application/javascript", "text/javascript"],
  ...["application/ecmascript", "text/ecmascript", "application/x-javascript", "application/node"],
  ...["text/x-javascript", "application/x-ecmascript", "text/jscript", "text/jsx", "text/tsx"],
  ...["application/json", "text/json", "application/manifest+json", "application/jsonc"],
  ...["text/jsonc", "application/json5", "text/json5", "application/wasm", "text/css", "text/html"],
  ...["application/sql", "text/plain", "application/octet-stream", "image/svg+xml", "foo/bar", ""],
  ...[
    "TEXT/JavaScript; charset=utf-8",
    "video/mp2t ;a",
    "text/plain;charset=utf-8",
    ";",
    "constructor",
  ],
];

/** Where each name counts; the other content types are tried with a few of them. */
const TELLING = new Set([undefined, "text/javascript", "application/typescript", "text/jscript"]);
const FEW = new Set(["x", "x.jsx", "x.mts", "x.d.ts"]);

/**
 * Runs in a process of its own; prints what each URL is, by the probes that it passes. Each is
 * imported by another module, since Deno is more lenient with the root of a graph.
 */
const READER = `
const urls = JSON.parse(await new Response(Deno.stdin.readable).text());
let next = 0;
const probe = async (url) => {
  const name = "./importer" + next++ + ".js";
  await Deno.writeTextFile(name, "import " + JSON.stringify(url));
  try {
    await import(name);
    return "ok";
  } catch ({ message }) {
    if (message.includes("React is not defined")) return "jsx";
    if (message.includes('"type": "json"')) return "json";
    if (message.includes("Wasm module")) return "wasm";
    if (message.includes("CJS")) return "commonjs";
    return message.includes("Expected a JavaScript or TypeScript module") ? "unsupported" : "syntax";
  }
};
const kind = async ({ plain, angle, as, jsx }) => {
  const is = await Promise.all([plain, angle, as, jsx].map(probe));
  if (is[1] === "ok") return "ts";
  if (is[3] === "jsx") return is[2] === "ok" ? "tsx" : "jsx";
  return is[0] === "ok" ? "js" : is[0];
};
const found = [];
while (urls.length > 0) found.push(...await Promise.all(urls.splice(0, 32).map(kind)));
console.log(JSON.stringify(found));
`;

/** What the installed Deno takes modules for; each is given by its probes' URLs. */
async function askDeno(urls: readonly Record<string, string>[], cwd: string): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-config", "--no-lock", "reader.js"],
    cwd,
    env: { DENO_DIR: `${cwd}/deno_dir`, NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(JSON.stringify(urls)));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(text.startsWith("["), new TextDecoder().decode(stderr));
  return JSON.parse(text);
}

Deno.test("every pair of extension and content type is what the installed Deno makes of it", async () => {
  await using folder = await makeFolder({ "reader.js": READER });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const [, probe, type] = new URL(request.url).pathname.split("/");
    const response = new Response(new TextEncoder().encode(PROBES[probe as keyof typeof PROBES]));
    const contentType = CONTENT_TYPES[Number(type)];
    if (contentType !== undefined) response.headers.set("content-type", contentType);
    return response;
  });
  const pairs = CONTENT_TYPES.flatMap((type, i) =>
    NAMES.filter((name) => TELLING.has(type) || FEW.has(name)).map((name) => ({ type, i, name }))
  );
  const of = (probe: string, i: number, name: string) =>
    `http://127.0.0.1:${server.addr.port}/${probe}/${i}/${name}`;
  const urls = pairs.map(({ i, name }) =>
    Object.fromEntries(Object.keys(PROBES).map((probe) => [probe, of(probe, i, name)]))
  );
  const found = await askDeno(urls, new URL(folder.url).pathname);
  const wrong = pairs.map(({ type, i, name }, at) => {
    const ours = mediaTypeOf(of("plain", i, name), "module", type);
    return ours === found[at] ? "" : `${name} as ${type}: Deno ${found[at]}, here ${ours}`;
  }).filter((line) => line !== "");
  await server.shutdown();
  assert.deepEqual(wrong, []);
  assert.ok(pairs.length > 250);
});

Deno.test("files and data: URLs are what the installed Deno makes of them", async () => {
  const names = NAMES.filter((name) =>
    /^[\w.]*\w$/.test(name) && !/^x\.(cjs|cts|d\.cts)$/.test(name)
  );
  const files = names.flatMap((name) =>
    Object.entries(PROBES).map(([probe, text]) => [`${probe}/${name}`, text] as const)
  );
  await using folder = await makeFolder({ "reader.js": READER, ...Object.fromEntries(files) });
  const types = ["", "text/plain", "text/javascript", "text/typescript", "text/jsx", "foo/bar"];
  const tails = ["", "//x.ts", "//.tsx", "//x.d.ts", "//x.jsx"];
  const groups = [
    ...names.map((name) => (probe: string) => `${folder.url}${probe}/${name}`),
    ...types.flatMap((type) =>
      tails.map((tail) => (probe: keyof typeof PROBES) => `data:${type},${PROBES[probe]}${tail}`)
    ),
  ] as ((probe: string) => string)[];
  const urls = groups.map((of) =>
    Object.fromEntries(Object.keys(PROBES).map((probe) => [probe, of(probe)]))
  );
  const found = await askDeno(urls, new URL(folder.url).pathname);
  const wrong: string[] = [];
  for (const [at, of] of groups.entries()) {
    const url = of("plain");
    const response = url.startsWith("data:") ? await fetch(url) : undefined;
    await response?.body?.cancel();
    const type = response?.headers.get("content-type") ?? undefined;
    const ours = mediaTypeOf(url, "module", type);
    if (ours !== found[at]) wrong.push(`${url}: Deno ${found[at]}, here ${ours}`);
  }
  assert.deepEqual(wrong, []);
});

Deno.test("an attribute decides: text and bytes before anything else, JSON where there is JSON", async () => {
  for (const type of ["text", "bytes"] as const) {
    assert.equal(mediaTypeOf("https://cdn.example/x.cjs", type, "text/css"), type);
  }
  const names = [
    "x.json",
    "x.JSON",
    "x.jsonc",
    "x.json5",
    "x.js",
    "x.ts",
    "x.d.ts",
    "x.txt",
    "x.css",
  ];
  const types = [
    "application/json",
    "text/json",
    "a/b+json",
    "application/jsonc",
    "text/plain",
    "",
  ];
  await using folder = await makeFolder({
    ...Object.fromEntries(names.map((name) => [name, "[1]"])),
    "read.js": "const out = [];\nfor (const url of JSON.parse(Deno.args[0])) {\n" +
      'await import(url, { with: { type: "json" } }).then(() => out.push("json"), () => out.push("unsupported"));\n' +
      "}\nconsole.log(JSON.stringify(out));",
  });
  const urls = [
    ...names.map((name) => folder.url + name),
    ...types.map((type) => `data:${type},[1]`),
  ];
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      "--no-config",
      new URL("read.js", folder.url).pathname,
      JSON.stringify(urls),
    ],
  }).output();
  const found = urls.map((url) => {
    const [, type] = /^data:([^,]*),/.exec(url) ?? [];
    return mediaTypeOf(url, "json", type === "" ? "text/plain;charset=US-ASCII" : type);
  });
  assert.deepEqual(found, JSON.parse(new TextDecoder().decode(stdout)));
});
