import { defineWorkflow } from "@continuum/continuum/workflow";

export default defineWorkflow({ name: "reminder" }, async (ctx, text: string) => {
  await ctx.sleep("100ms"); // or "30d": a row in the database, not a process
  const asked = ctx.now();
  await ctx.sleep(new Date(asked.getTime() + 100));

  // Whichever comes first; the other consumes nothing any more.
  const enough = new AbortController();
  const winner = await Promise.race([
    ctx.waitForSignal<string>("done", { signal: enough.signal }),
    ctx.sleep("11d", { signal: enough.signal }).then(() => "nobody"),
  ]);
  enough.abort();
  const waited = ctx.now().getTime() - asked.getTime();
  return `${text}: done by ${winner}, not before 100 ms: ${waited >= 100}`;
});
