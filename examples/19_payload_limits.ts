/**
 * Limits: what is too large is refused where it enters, by name and size.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum, isContinuumError } from "@continuum/continuum";
import scan from "./workflows/19_payload_limits.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [import.meta.resolve("./workflows/19_payload_limits.ts")],
  limits: { payloadBytes: 1_024 }, // of one encoded value: 2 MiB unless it is said
});

const small = await continuum.start(scan, "page", { runId: "small" });
console.log((await small.result()).length);

const large = await continuum.start(scan, "a whole book", { runId: "large" });
console.log(await large.result());

try {
  await continuum.start(scan, "x".repeat(2_000), { runId: "huge" });
} catch (error) {
  if (!isContinuumError(error, "PAYLOAD_TOO_LARGE")) throw error;
  console.log(error.message);
}
console.log("runs:", await continuum.runs.count());

// Prints:
// 400
// a whole book: PAYLOAD_TOO_LARGE
// Cannot take input of workflow "scan": found 2002 bytes, wanted at most 1024; keep the bulk elsewhere and pass where it is, or raise limits.payloadBytes
// runs: 2
