import { defineWorkflow, isContinuumError } from "@continuum/continuum/workflow";
import parcel from "./06_parcel.ts"; // pinned: children run on the version that is imported here

export default defineWorkflow({ name: "shipment" }, async (ctx, size: number) => {
  const ids = Array.from({ length: size }, (_, index) => 100 + index);
  const parcels = await Promise.all(ids.map((id) => ctx.child(parcel, { id })));

  const special = await ctx.startChild(parcel, { id: 7, ask: true }, {
    id: `${ctx.runId}/special`,
  });
  await special.signal("place", "front door");

  let lost = "";
  try {
    await ctx.child("parcel", { id: 13 }); // by name: the current version
  } catch (error) {
    if (!isContinuumError(error, "CHILD_FAILED")) throw error;
    lost = (error.cause as Error).message;
  }

  // Continues when this run has ended; "cancel" is the default, "terminate" the third.
  const last = await ctx.startChild(parcel, { id: 99 }, { parentClose: "abandon" });
  return { count: parcels.length, special: await special.result(), lost, last: last.id };
});
