/**
 * A wire that can be cut: between an engine and its database.
 *
 * @module
 */

/** Forwards connections on a loopback port of its own. */
export class Proxy implements AsyncDisposable {
  readonly #target: Deno.ConnectOptions;
  readonly #open = new Set<Deno.Conn>();
  readonly #serving: Promise<void>[] = [];
  #listener: Deno.TcpListener;
  #isCut = false;
  #muted: ReadonlySet<Deno.Conn> = new Set();
  #held: PromiseWithResolvers<Deno.Conn> | undefined;
  /** Its port; the same for as long as it lives. */
  readonly port: number;

  /** @param target Where connections lead. */
  constructor(target: { readonly hostname: string; readonly port: number }) {
    this.#target = target;
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
    const far = await Deno.connect(this.#target as Deno.ConnectOptions);
    this.#open.add(far);
    if (this.#isCut) this.cut();
    const heard = new TransformStream<Uint8Array, Uint8Array>({
      transform: (bytes, controller) => {
        if (!this.#muted.has(far)) controller.enqueue(bytes);
      },
    });
    await Promise.all([pump(near, far), pump(far, near, heard)]);
  }
}

async function pump(
  from: Deno.Conn,
  to: Deno.Conn,
  through?: TransformStream<Uint8Array, Uint8Array>,
): Promise<void> {
  const readable = through === undefined ? from.readable : from.readable.pipeThrough(through);
  await readable.pipeTo(to.writable).catch(() => {});
  close(from);
  close(to);
}

function close(end: Deno.Conn): void {
  try {
    end.close();
  } catch {
    // The other direction has closed it.
  }
}
