import { defineActivity, defineWorkflow, isContinuumError } from "@continuum/continuum/workflow";

/** A cancellation aborts its signal; what it answers after that still counts. */
const render = defineActivity({ name: "render" }, async (film: string, { signal }) => {
  for (let frame = 0; !signal.aborted; frame++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return `${film}: stopped cleanly`;
});

export default defineWorkflow({ name: "film" }, async (ctx, film: string) => {
  await ctx.run("rent the studio", () => "rented");
  try {
    const rendered = await ctx.activity(render, film);
    ctx.setStatus(rendered);
    ctx.cancelSignal.throwIfAborted();
  } catch (error) {
    if (isContinuumError(error, "CANCELLED")) ctx.log.info(`Cancelled: ${error.message}`);
    throw error; // `cancelled` is the state of a run whose code lets this error pass
  } finally {
    await ctx.run("return the studio", () => "returned"); // durable, as any other step
  }
});
