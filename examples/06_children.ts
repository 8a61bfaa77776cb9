/**
 * Children: runs that belong to a run.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- an example speaks to its reader
import { Continuum } from "@continuum/continuum";
import shipment from "./workflows/06_children.ts";

await using continuum = await Continuum.open({
  database: "memory:",
  workflows: [
    import.meta.resolve("./workflows/06_children.ts"),
    import.meta.resolve("./workflows/06_parcel.ts"),
  ],
});

const run = await continuum.start(shipment, 100, { runId: "shipment-1" });
const { count, special, lost, last } = await run.result();
console.log(`${count} parcels delivered; the special one: ${special}`);
console.log(`The lost one: ${lost}`);
console.log(`The last one outlives its parent: ${await continuum.run(last).result()}`);
console.log(`Children: ${await continuum.runs.count({ where: { workflow: "parcel" } })}`);

// Prints:
// 100 parcels delivered; the special one: parcel 7 at the front door
// The lost one: Parcel 13 fell off the van
// The last one outlives its parent: parcel 99 at the depot
// Children: 103
