/**
 * What a test started and made does not outlive its process, however that ends.
 *
 * @module
 */

import assert from "node:assert/strict";
import { eventually } from "./runs.ts";

/** Starts a server, says where it is, and stays. */
const OWNER = `
  import { startPostgres } from "${import.meta.resolve("./embedded_postgres.ts")}";
  const { url } = await startPostgres();
  console.log(url);
  await new Promise(() => setInterval(() => {}, 1_000));`;

function isListening(port: number): Promise<boolean> {
  return Deno.connect({ hostname: "127.0.0.1", port }).then((end) => {
    end.close();
    return true;
  }, () => false);
}

Deno.test("a server and its folder are gone after the process that started it was killed", async () => {
  const temporary = await Deno.makeTempDir({ prefix: "continuum_will_" });
  await Deno.chmod(temporary, 0o755);
  const owner = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--ext=ts", "--no-check", OWNER],
    env: { TMPDIR: temporary },
    stdout: "piped",
  }).spawn();
  let said = "";
  for await (const text of owner.stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes("\n")) break;
  }
  const port = Number(new URL(said.trim()).port);
  assert.equal(await isListening(port), true);
  assert.equal([...Deno.readDirSync(temporary)].length, 1);
  owner.kill("SIGKILL");
  await owner.status;
  await eventually(
    async () => {
      const isGone = !await isListening(port) && [...Deno.readDirSync(temporary)].length === 0;
      return isGone || undefined;
    },
    () => "end of the server and its folder",
  );
  await Deno.remove(temporary);
});
