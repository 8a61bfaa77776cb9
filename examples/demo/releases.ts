/**
 * Where the demo's releases are published: a small HTTP server on this machine.
 *
 * @module
 */

/** A server of releases; each has a URL of its own while it is online. */
export class Releases {
  readonly #online = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** Starts the server on a free port. */
  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(new URL(request.url).pathname),
    );
  }

  /** Puts a release online. */
  publish(version: string): void {
    this.#online.add(version);
  }

  /** Takes a release down: its URL answers 404 from now on. */
  takeDown(version: string): void {
    this.#online.delete(version);
  }

  /** The URL of a release's workflow. */
  url(version: string): string {
    return `http://127.0.0.1:${this.#server.addr.port}/order@${version}/order.ts`;
  }

  /** Stops the server. */
  close(): Promise<void> {
    return this.#server.shutdown();
  }

  async #answer(path: string): Promise<Response> {
    const found = /^\/order@(\d+\.\d+\.\d+)\/(\w+\.ts)$/.exec(path);
    const [, version, file] = found ?? [];
    if (version === undefined || !this.#online.has(version)) {
      return new Response("Not found", { status: 404 });
    }
    const source = await Deno.readFile(new URL(`./releases/${version}/${file}`, import.meta.url));
    return new Response(source, { headers: { "content-type": "application/typescript" } });
  }
}
