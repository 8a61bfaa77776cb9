/**
 * The observer with a server of its own: who gets in, and by which names.
 *
 * @module
 */

import assert from "node:assert/strict";
import { serveObserver, type StandaloneOptions } from "../../src/observer/standalone.ts";
import { CliWorld } from "../support/cli_world.ts";

const HERE: StandaloneOptions = { hostname: "127.0.0.1", port: 0, by: "ana@here" };

async function status(url: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(url, { headers, redirect: "manual" });
  await answer.body?.cancel();
  return answer.status;
}

Deno.test("STANDALONE-1: the printed link opens a session once, and the token leaves the address", async () => {
  await using world = await CliWorld.make();
  await using served = serveObserver(await world.client(), HERE);
  assert.equal(await status(`http://${served.address}/`), 401);
  assert.equal(await status(`http://${served.address}/?token=wrong`), 303);
  const entered = await fetch(served.link, { redirect: "manual" });
  await entered.body?.cancel();
  assert.deepEqual([entered.status, entered.headers.get("location")], [303, "/"]);
  const [cookie, ...attributes] = entered.headers.get("set-cookie")!.split("; ");
  assert.deepEqual(attributes.slice(0, 2), ["HttpOnly", "SameSite=Strict"]);
  assert.equal(await status(`http://${served.address}/runs`, { cookie: cookie! }), 200);
  const again = await fetch(served.link, { redirect: "manual" });
  await again.body?.cancel();
  assert.equal(again.headers.get("set-cookie"), null, "the link is used up");
});

Deno.test("STANDALONE-1: beyond this machine it wants a token, and elsewhere its own name", async () => {
  await using world = await CliWorld.make();
  const client = await world.client();
  for (const hostname of ["0.0.0.0", "::", "192.168.1.2", "example.org"]) {
    assert.throws(() => serveObserver(client, { ...HERE, hostname }), /loopback address/, hostname);
  }
  assert.throws(() => serveObserver(client, { ...HERE, token: "short" }), /at least 16 characters/);
  await using served = serveObserver(client, HERE);
  const port = Number(served.address.split(":").at(-1));
  for (
    const host of ["evil.example", `evil.example:${port}`, "127.0.0.1", `127.0.0.1:${port + 1}`]
  ) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const request = `GET /?token=x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    const answer = await new Response(connection.readable).text();
    assert.match(answer, /^HTTP\/1.1 421 /, host);
  }
});

Deno.test("a token of a file opens it for programs, again and again", async () => {
  await using world = await CliWorld.make();
  const token = crypto.randomUUID();
  await using served = serveObserver(await world.client(), { ...HERE, token, readOnly: true });
  assert(!served.link.includes(token), "it is printed nowhere");
  const authorization = `Bearer ${token}`;
  for (let round = 0; round < 2; round++) {
    assert.equal(await status(`http://${served.address}/runs`, { authorization }), 200);
  }
  assert.equal(await status(`http://${served.address}/runs`, { authorization: "Bearer x" }), 401);
  assert.equal(await status(`http://${served.address}/start`, { authorization }), 403, "read-only");
});

Deno.test("continuum observer prints its link, and stops at a signal", async () => {
  await using world = await CliWorld.make();
  const observer = world.spawn(["observer", "--listen", "127.0.0.1:0"]);
  const [link] = await observer.printed(/http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/);
  assert.equal(await status(link), 303);
  observer.kill("SIGTERM");
  const { error } = await observer.ended();
  assert.match(error, /the link works once/);
  const beyond = await world.here(["observer", "--listen", "0.0.0.0:0"]);
  assert.equal(beyond.code, 2, beyond.error);
  assert.match(beyond.error, /loopback address/);
});
