import { defineWorkflow } from "@continuum/continuum/workflow";

export interface Parcel {
  id: number;
  /** Whether the place is asked for. */
  ask?: boolean;
}

export default defineWorkflow({ name: "parcel" }, async (ctx, { id, ask }: Parcel) => {
  const place = ask === true ? await ctx.waitForSignal<string>("place") : "depot";
  await ctx.sleep("50ms");
  if (id === 13) throw new Error("Parcel 13 fell off the van");
  return `parcel ${id} at the ${place}`;
});
