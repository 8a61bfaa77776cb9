/**
 * A wire that can be cut: between an engine and its database.
 *
 * @module
 */

/**
 * What becomes of bytes on their way: they are passed on, or are the last that their connection
 * passes on before it is cut.
 */
export type Pass = (
  bytes: Uint8Array,
  towards: "server" | "client",
) => Promise<Passed> | Passed;

/** What {@linkcode Pass} decides. */
export type Passed = Uint8Array | { readonly last: Uint8Array };

/** Where connections lead. */
export interface ProxyTarget {
  readonly hostname: string;
  readonly port: number;
}

/**
 * Where a database's URL leads.
 *
 * @param url The URL.
 */
export function targetOf(url: string): ProxyTarget {
  const { hostname, port } = new URL(url);
  return { hostname, port: Number(port || 5432) };
}

/** Forwards connections on a loopback port of its own. */
export class Proxy implements AsyncDisposable {
  #target: ProxyTarget;
  readonly #pass: Pass;
  readonly #open = new Set<Deno.Conn>();
  readonly #serving: Promise<void>[] = [];
  #listener: Deno.TcpListener;
  #isCut = false;
  #muted: ReadonlySet<Deno.Conn> = new Set();
  #held: PromiseWithResolvers<Deno.Conn> | undefined;
  /** Its port; the same for as long as it lives. */
  readonly port: number;

  /**
   * @param target Where connections lead. One that can't be made there is closed.
   * @param pass Decides about bytes; all are passed on when omitted.
   */
  constructor(
    target: ProxyTarget,
    pass: Pass = (bytes) => bytes,
  ) {
    this.#target = target;
    this.#pass = pass;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#serving.push(this.#serve(this.#listener));
  }

  /** Cuts every connection; new ones are refused. */
  cut(): void {
    this.#isCut = true;
    this.#listener.close();
    for (const end of this.#open) close(end);
    this.#open.clear();
  }

  /** Lets connections through again. */
  restore(): void {
    this.#isCut = false;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    this.#serving.push(this.#serve(this.#listener));
  }

  /** From now on, new connections lead elsewhere. */
  aim(target: ProxyTarget): void {
    this.#target = target;
  }

  /**
   * A URL of the database over this wire.
   *
   * @param url A URL of the database.
   */
  over(url: string): string {
    return Object.assign(new URL(url), { host: `127.0.0.1:${this.port}` }).href;
  }

  /** Whatever is open by now stays open, and nothing comes back over it any more. */
  mute(): void {
    this.#muted = new Set(this.#open);
  }

  /** The next connection is accepted and not served: resolves with it. */
  holdNext(): Promise<Deno.Conn> {
    this.#held = Promise.withResolvers();
    return this.#held.promise;
  }

  /** Ends all of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isCut) this.cut();
    await Promise.all(this.#serving);
  }

  async #serve(listener: Deno.TcpListener): Promise<void> {
    const wires: Promise<void>[] = [];
    for await (const near of listener) wires.push(this.#connect(near));
    await Promise.all(wires);
  }

  async #connect(near: Deno.Conn): Promise<void> {
    this.#open.add(near);
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) return held.resolve(near);
    const far = await Deno.connect(this.#target).catch(() => null);
    if (far === null) {
      this.#open.delete(near);
      return close(near);
    }
    this.#open.add(far);
    if (this.#isCut) {
      for (const end of [near, far]) close(end);
    }
    await Promise.all([this.#pump(near, far, "server"), this.#pump(far, near, "client")]);
    for (const end of [near, far]) this.#open.delete(end);
  }

  async #pump(from: Deno.Conn, to: Deno.Conn, towards: "server" | "client"): Promise<void> {
    const writer = to.writable.getWriter();
    try {
      for await (const bytes of from.readable) {
        if (this.#muted.has(from)) continue;
        const passed = await this.#pass(bytes, towards);
        if (passed instanceof Uint8Array) {
          await writer.write(passed);
        } else {
          await writer.write(passed.last);
          break;
        }
      }
      await writer.close();
    } catch {
      // One of the two ends is closed.
    }
    close(from);
    close(to);
  }
}

function close(end: Deno.Conn): void {
  try {
    end.close();
  } catch {
    // The other direction has closed it.
  }
}
