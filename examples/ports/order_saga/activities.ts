/**
 * What an order does to the world; each can be repeated without harm.
 *
 * @module
 */

import { type ActivityDefinition, defineActivity } from "@continuum/continuum/workflow";
import { books } from "./books.ts";

/** An order. */
export interface Order {
  /** Its id, and that of the run. */
  readonly id: string;
  /** In EUR. */
  readonly amount: number;
  /** Where it goes. */
  readonly city: string;
}

function entry(name: string, says: (order: Order) => string): ActivityDefinition<Order, string> {
  return defineActivity(
    { name, retry: { maxAttempts: 3, initial: "10ms" }, timeout: "10s" },
    (order: Order) => {
      const said = says(order);
      books.push(`${order.id}: ${said}`);
      return said;
    },
  );
}

/** Takes what was ordered out of the stock. */
export const reserve = entry("reserve", () => "reserved");
/** Puts it back. */
export const release = entry("release", () => "released");
/** Takes the money. */
export const charge = entry("charge", ({ amount }) => `charged ${amount} EUR`);
/** Gives it back. */
export const refund = entry("refund", ({ amount }) => `refunded ${amount} EUR`);
/** Sends it, unless no carrier goes there. */
export const ship = entry("ship", ({ city }) => {
  if (city === "Atlantis") throw new Error(`No ship goes to ${city}`);
  return `shipped to ${city}`;
});
