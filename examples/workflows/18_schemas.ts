import {
  defineWorkflow,
  isContinuumError,
  type StandardSchema,
} from "@continuum/continuum/workflow";

interface Booking {
  seats: number;
  name: string;
}

/** Any schema of Zod, Valibot, ArkType and the like will do; this one is made by hand. */
const Booking: StandardSchema<Partial<Booking>, Booking> = {
  "~standard": {
    version: 1,
    vendor: "example",
    validate: (value) => {
      const { seats = 1, name } = value as Partial<Booking>;
      if (!(seats > 0)) {
        return { issues: [{ message: `wanted a seat, found ${seats}`, path: ["seats"] }] };
      }
      return { value: { seats, name: name?.trim() ?? "nobody" } };
    },
  },
};

/** Gets what the schema makes of its input, once, at the start. */
export default defineWorkflow({ name: "booking", input: Booking }, async (ctx, booking) => {
  const { seats, name } = booking;
  if (seats < 10) return `${seats} for ${name}`;
  // A group is booked in parts: each is checked by the version that it starts on.
  try {
    return await ctx.child("booking", { name, seats: seats - 10 });
  } catch (error) {
    if (!isContinuumError(error, "CHILD_FAILED")) throw error;
    return `refused: ${(error.cause as Error & { code: string }).code}`;
  }
});
