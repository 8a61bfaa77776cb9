/**
 * A registry of `jsr:` packages on this machine. It takes what `deno publish` sends to JSR, and serves
 * what JSR would serve of it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { deno, type Ended } from "./processes.ts";

/** What the registry knows of a package. */
interface Published {
  readonly folder: string;
  readonly exports: Readonly<Record<string, string>>;
}

/** The registry, and a machine that knows no other. */
export class JsrRegistry implements AsyncDisposable {
  /** Variables of processes on that machine. */
  readonly env: Readonly<Record<string, string>>;
  readonly #root: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** The versions of each package. */
  readonly #packages = new Map<string, Map<string, Published>>();

  private constructor(root: string) {
    this.#root = root;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(request),
    );
    this.env = {
      JSR_URL: `http://127.0.0.1:${this.#server.addr.port}/`,
      DENO_DIR: join(root, "deno_dir"),
    };
  }

  /** Starts an empty one. The machine has the npm packages that this one has. */
  static async start(): Promise<JsrRegistry> {
    const root = await Deno.makeTempDir({ prefix: "continuum_jsr_" });
    const { output } = await deno(["info", "--json"]);
    const { npmCache } = JSON.parse(output) as { npmCache: string };
    await Deno.mkdir(join(root, "deno_dir"));
    await Deno.symlink(npmCache, join(root, "deno_dir", "npm"));
    return new JsrRegistry(root);
  }

  /**
   * Runs `deno publish` in a folder.
   *
   * @returns How it ended.
   */
  async publish(folder: string): Promise<Ended> {
    const args = ["publish", "--allow-dirty", "--no-check", "--token", "not checked"];
    const ended = await deno(args, { cwd: folder, env: this.env });
    assert.equal(ended.code, 0, ended.errors);
    return ended;
  }

  /** Removes a package: no process finds it any more. */
  remove(name: string): void {
    this.#packages.delete(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.#root, { recursive: true });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const api = /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)(?:\/versions\/([^/]+))?$/.exec(
      pathname,
    );
    if (api !== null) {
      const [, scope, name, version] = api;
      if (request.method === "POST") {
        return await this.#take(`@${scope}/${name}`, version!, request);
      }
      // Any package may be published, and no version of it has been.
      return Response.json({}, { status: version === undefined ? 200 : 404 });
    }
    if (pathname.startsWith("/api/publish_status/")) return Response.json(TAKEN);
    return await this.#serve(pathname) ?? new Response("Not found", { status: 404 });
  }

  /** Takes a package: a compressed tar archive. */
  async #take(name: string, version: string, { body }: Request): Promise<Response> {
    const folder = await Deno.makeTempDir({ dir: this.#root });
    const tar = new Deno.Command("tar", { args: ["-xz", "-C", folder], stdin: "piped" }).spawn();
    await body!.pipeTo(tar.stdin);
    assert((await tar.status).success, "the archive is read");
    const config = JSON.parse(await Deno.readTextFile(join(folder, "deno.json")));
    const exports = typeof config.exports === "string" ? { ".": config.exports } : config.exports;
    const versions = this.#packages.get(name) ?? new Map<string, Published>();
    this.#packages.set(name, versions.set(version, { folder, exports }));
    return Response.json(TAKEN);
  }

  async #serve(pathname: string): Promise<Response | undefined> {
    const [, name, file] = /^\/(@[^/]+\/[^/]+)\/(.+)$/.exec(pathname) ?? [];
    const versions = this.#packages.get(name ?? "");
    if (versions === undefined) return undefined;
    if (file === "meta.json") {
      const known = Object.fromEntries([...versions.keys()].map((version) => [version, {}]));
      return Response.json({ versions: known, latest: [...versions.keys()].at(-1) });
    }
    for (const [version, { folder, exports }] of versions) {
      if (file === `${version}_meta.json`) {
        return Response.json({ exports, manifest: await manifestOf(folder) });
      }
      if (!file!.startsWith(`${version}/`)) continue;
      const bytes = await Deno.readFile(join(folder, file!.slice(version.length))).catch(() =>
        null
      );
      return bytes === null ? undefined : new Response(bytes);
    }
    return undefined;
  }
}

const TAKEN = { id: "1", status: "success", error: null };

/** Every file's size and digest, which the runtime checks. */
async function manifestOf(folder: string, path = ""): Promise<Record<string, object>> {
  const files: Record<string, object> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder + path)) {
    const found = `${path}/${name}`;
    if (isDirectory) Object.assign(files, await manifestOf(folder, found));
    else {
      const bytes = await Deno.readFile(folder + found);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      files[found] = { size: bytes.length, checksum: `sha256-${digest.toHex()}` };
    }
  }
  return files;
}
