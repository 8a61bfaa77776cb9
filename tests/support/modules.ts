/**
 * Modules for tests: in a temporary folder, or behind a loopback server.
 *
 * @module
 */

/** Files by path; text or bytes. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A temporary folder; its URL ends in a slash. Deleted on disposal. */
export interface Folder extends AsyncDisposable {
  readonly url: string;
  write(files: Files): Promise<void>;
  remove(path: string): Promise<void>;
}

/** Makes a temporary folder with some files. */
export async function makeFolder(files: Files): Promise<Folder> {
  const path = await Deno.makeTempDir({ prefix: "continuum-graph-" });
  const url = `file://${path}/`;
  const folder: Folder = {
    url,
    async write(files) {
      for (const [name, content] of Object.entries(files)) {
        const target = new URL(name, url);
        await Deno.mkdir(new URL("./", target), { recursive: true });
        if (typeof content === "string") await Deno.writeTextFile(target, content);
        else await Deno.writeFile(target, content);
      }
    },
    remove: (name) => Deno.remove(new URL(name, url)),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
  await folder.write(files);
  return folder;
}

/** A loopback server; its URL ends in a slash. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  /** Paths with their leading slash, in the order of the requests. */
  readonly requests: readonly string[];
}

/** What a path is answered with: a body, a status, or where it redirects to. */
export type Answers = Readonly<
  Record<
    string,
    string | Uint8Array | number | { redirect: string } | { auth: string; body: string }
  >
>;

const TYPES: Readonly<Record<string, string>> = {
  ts: "video/mp2t",
  tsx: "application/typescript; charset=utf-8",
  mts: "text/plain",
  js: "text/javascript",
  mjs: "application/javascript",
  jsx: "text/javascript",
  json: "application/json",
  wasm: "application/wasm",
};

/** Serves paths on a free port, with the content types of common servers. */
export function serve(answers: Answers): Server {
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const path = decodeURI(new URL(request.url).pathname);
    requests.push(path);
    const answer = answers[path.slice(1)] ?? 404;
    if (typeof answer === "number") return new Response(null, { status: answer });
    if (typeof answer === "object" && "redirect" in answer) {
      return new Response(null, { status: 302, headers: { location: answer.redirect } });
    }
    if (typeof answer === "object" && "auth" in answer) {
      const isAllowed = request.headers.get("authorization") === `Basic ${btoa(answer.auth)}`;
      return new Response(isAllowed ? answer.body : null, { status: isAllowed ? 200 : 401 });
    }
    const type = TYPES[/\.(\w+)$/.exec(path)?.[1] ?? ""] ?? "application/octet-stream";
    return new Response(answer as BodyInit, { headers: { "content-type": type } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    requests,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
