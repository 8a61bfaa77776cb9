/**
 * Stands between a client and Postgres on the loopback interface, and counts what passes: how often
 * the server was ready again (a round trip), and the statements that it executed.
 *
 * @module
 */

/** What has passed. */
export interface WireCounts {
  /** Times the client waited for the server. */
  roundTrips: number;
  /** Statements that completed. */
  statements: number;
  /** Statements that were parsed: prepared ones are parsed once. */
  parsed: number;
  /** Bytes to the server. */
  up: number;
  /** Bytes from the server. */
  down: number;
}

/** A proxy. */
export interface WireProxy extends AsyncDisposable {
  /** Where it leads. */
  readonly url: string;
  /** What has passed so far. */
  readonly counts: WireCounts;
}

/** Starts a proxy before a server. */
export function wireProxy(url: string): WireProxy {
  const target = new URL(url);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const counts: WireCounts = { roundTrips: 0, statements: 0, parsed: 0, up: 0, down: 0 };
  const connections = new Set<Deno.Conn>();
  const serving = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({
        hostname: target.hostname,
        port: Number(target.port || 5432),
      });
      client.setNoDelay(true);
      server.setNoDelay(true);
      connections.add(client).add(server);
      void pass(client, server, true, (type, length) => {
        counts.up += length;
        if (type === "P") counts.parsed++;
      });
      void pass(server, client, false, (type, length) => {
        counts.down += length;
        if (type === "Z") counts.roundTrips++;
        if (type === "C") counts.statements++;
      });
    }
  })();
  const here = new URL(url);
  here.hostname = "127.0.0.1";
  here.port = String((listener.addr as Deno.NetAddr).port);
  return {
    url: here.href,
    counts,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of connections) close(connection);
      await serving.catch(() => {});
    },
  };
}

async function pass(
  from: Deno.Conn,
  to: Deno.Conn,
  opens: boolean,
  count: (type: string, length: number) => void,
): Promise<void> {
  const read = messages(opens, count);
  const buffer = new Uint8Array(65_536);
  try {
    for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
      const bytes = buffer.subarray(0, n);
      read(bytes);
      for (let sent = 0; sent < n;) sent += await to.write(bytes.subarray(sent));
    }
  } catch {
    // one of the two has gone
  }
  close(from);
  close(to);
}

/** Finds the messages in a stream; the first one of a client has no type. */
function messages(
  opens: boolean,
  count: (type: string, length: number) => void,
): (bytes: Uint8Array) => void {
  let head: number[] = [];
  let untyped = opens;
  let skip = 0;
  return (bytes) => {
    for (let at = 0; at < bytes.length;) {
      if (skip > 0) {
        const step = Math.min(skip, bytes.length - at);
        skip -= step;
        at += step;
        continue;
      }
      head.push(bytes[at++] as number);
      const size = untyped ? 4 : 5;
      if (head.length < size) continue;
      const [a, b, c, d] = head.slice(-4) as [number, number, number, number];
      const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
      count(untyped ? "" : String.fromCharCode(head[0] as number), length + size - 4);
      skip = length - 4;
      untyped = false;
      head = [];
    }
  };
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
