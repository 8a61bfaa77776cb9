import { defineActivity, defineWorkflow } from "@continuum/continuum/workflow";

/** What the model wants next: a tool, or to answer. */
type Move = { tool: keyof typeof TOOLS; input: string } | { answer: string };

/** In production: a request to a model. Here its part is scripted, by how far the talk is. */
const think = defineActivity(
  { name: "think", timeout: "2m", retry: { maxAttempts: 8 } },
  (messages: readonly string[]): Move => {
    const moves: Move[] = [
      { tool: "search", input: "Lisbon" },
      { tool: "book", input: "Hotel Tejo" },
      { answer: messages.at(-1) === "booked Hotel Tejo" ? "Your room is booked" : "No room, then" },
    ];
    return moves[messages.length - 1]!;
  },
);

const TOOLS = {
  search: defineActivity({ name: "search" }, (city: string) => `Hotel Tejo in ${city}`),
  book: defineActivity(
    { name: "book", retry: { maxAttempts: 1 } },
    (name: string) => `booked ${name}`,
  ),
};

/** What costs money needs a person's consent. */
const ASKS: ReadonlySet<string> = new Set(["book"]);

export default defineWorkflow({ name: "agent" }, async (ctx, task: string) => {
  const messages = [task];
  for (let turn = 0; turn < 20; turn++) {
    const move = await ctx.activity(think, messages);
    if ("answer" in move) return move.answer;
    const { tool, input } = move;
    ctx.setStatus({ tool, input, asks: ASKS.has(tool) });
    const isAllowed = !ASKS.has(tool) ||
      await ctx.waitForSignal<boolean>("consent", { timeout: "1d", otherwise: false });
    messages.push(isAllowed ? await ctx.activity(TOOLS[tool], input) : `refused: ${tool}`);
  }
  throw new Error("It did not come to an answer in 20 turns");
});
