/**
 * Encryption: the database holds no value in plain text, and keys rotate.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import { aesGcmCodec, chain, compressionCodec } from "@continuum/continuum/codec";
import approval from "./workflows/04_signals.ts";

const database = `pglite:${await Deno.makeTempDir()}`;
const workflows = [import.meta.resolve("./workflows/04_signals.ts")];
const k1 = crypto.getRandomValues(new Uint8Array(32)); // keep yours in a key store
const k2 = crypto.getRandomValues(new Uint8Array(32));

{
  const codec = chain(compressionCodec(), aesGcmCodec({ keys: { k1 }, current: "k1" }));
  await using continuum = await Continuum.open({ database, workflows, codec });
  const run = await continuum.start(approval, "Raise for Ada", { runId: "raise" });
  await run.signal("approval", { by: "Grace", yes: true });
  await run.reached("suspended");
}

{
  // Another process, without the key: it sees the run, and none of its values.
  await using continuum = await Continuum.connect({ database });
  const { runs } = await continuum.runs.query({ payloads: true });
  for (const { id, state, payloads } of runs) console.log(id, state, String(payloads?.input));
}

{
  // The new key encrypts, and the old one still decrypts.
  const codec = chain(compressionCodec(), aesGcmCodec({ keys: { k2, k1 }, current: "k2" }));
  await using continuum = await Continuum.open({ database, workflows, codec });
  const run = continuum.run("raise");
  await run.signal("approval", { by: "Alan", yes: true });
  console.log(await run.result());
}

{
  await using continuum = await Continuum.connect({ database });
  const reading = continuum.run("raise").result();
  console.log(await reading.catch((error) => isContinuumError(error) ? error.message : error));
}

// Prints:
// raise suspended encrypted (key k1)
// Raise for Ada: approved by Grace and Alan
// Cannot decode a value of key "k2": this process has no codec; pass the one that wrote it as option codec
