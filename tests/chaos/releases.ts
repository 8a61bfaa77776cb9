/**
 * A server of workflow modules: each release has URLs of its own, and those of old ones are
 * gone.
 *
 * @module
 */

import { MODULES } from "./programs/all.ts";

const FOLDER = new URL("./released/", import.meta.url);

/** Serves the modules of `released/`. */
export class Releases implements AsyncDisposable {
  /** The newest release, from 1. */
  newest = 1;
  /** The oldest release whose URLs are there. */
  #oldest = 1;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Serves the first release. */
  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const [, release, file] = /^\/r(\d+)\/(\w+\.ts)$/.exec(new URL(request.url).pathname) ?? [];
        const isThere = Number(release) >= this.#oldest && Number(release) <= this.newest;
        if (file === undefined || !isThere) {
          return new Response(null, { status: 404 });
        }
        return new Response(await sourceOf(Number(release), file), {
          headers: { "content-type": "application/typescript" },
        });
      },
    );
  }

  /** The modules of the newest release. */
  get workflows(): string[] {
    return MODULES.map((name) => `${this.#url}r${this.newest}/${name}.ts`);
  }

  /** A pattern of all releases. */
  get trusted(): string {
    return `${this.#url}*`;
  }

  /** Deploys the next release. */
  deploy(): void {
    this.newest++;
  }

  /** The URLs of all releases but the newest are gone. */
  retire(): void {
    this.#oldest = this.newest;
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** Which release a specifier names. */
export function releaseOf(specifier: string): number {
  return Number(/\/r(\d+)\//.exec(specifier)?.[1]);
}

/** The source of a file in a release. */
export async function sourceOf(release: number, file: string): Promise<string> {
  const source = await Deno.readTextFile(new URL(file, FOLDER));
  return source.replace("RELEASE: number = 1", `RELEASE: number = ${release}`);
}

/** Every file of a release. */
export const FILES: readonly string[] = [
  ...MODULES.map((name) => `${name}.ts`),
  "ledger.ts",
  "release.ts",
];
