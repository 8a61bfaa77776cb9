import { defineWorkflow, type StandardSchema } from "@continuum/continuum/workflow";

/** What is put into the cart. */
interface Line {
  readonly item: string;
  readonly price: number;
}

/** Any library that implements Standard Schema has these. */
const schema = <Of>(isValid: (value: unknown) => boolean): StandardSchema<Of> => ({
  "~standard": {
    version: 1,
    vendor: "example",
    validate: (value) =>
      isValid(value) ? { value: value as Of } : { issues: [{ message: "not what was wanted" }] },
  },
});

const signals = {
  add: { payload: schema<Line>((it) => typeof it === "object"), answer: schema<number>(isNumber) },
  pay: schema<null>((it) => it === null), // its answer may be anything
};

export default defineWorkflow({ name: "cart", signals }, async (ctx) => {
  const items: string[] = [];
  let [total, isPaid] = [0, false];
  ctx.on("add", ({ item, price }) => {
    if (total + price > 100) throw new RangeError("a cart holds at most 100");
    items.push(item);
    return total += price;
  });
  ctx.on("pay", async () => {
    const receipt = await ctx.run("charge", () => `receipt for ${total}`);
    isPaid = true;
    return receipt;
  });
  await ctx.until(() => isPaid, { timeout: "7d" });
  await ctx.handlersDone(); // every ask that was received has its answer
  return items.join(", ");
});

function isNumber(value: unknown): boolean {
  return typeof value === "number";
}
