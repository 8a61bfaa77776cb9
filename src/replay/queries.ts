/**
 * Queries: what the code of a run answers about its state, by functions that only look at values.
 *
 * - QUERY-1: a query is no effect. It is asked of an execution that has received a history and is then
 *   dropped, so it requests nothing, and the run keeps nothing that its function changes.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { ignoreRejection } from "../base/background.ts";
import { decode, encode } from "../base/values.ts";
import { encodeError } from "../base/values_failure.ts";

/** Answers a query: synchronous, without effects. */
export type QueryFunction = (arg: unknown) => unknown;

/** What is answered: the encoded value, or the encoded error; or which queries there are. */
export type QueryAnswer =
  | { readonly kind: "value"; readonly payload: string }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "unknown"; readonly names: readonly string[] };

/** The queries of one execution. */
export class Queries {
  readonly #functions = new Map<string, QueryFunction>();

  /**
   * Adds a query, in place of one with that name.
   *
   * @param name Its name.
   * @param answer Answers it.
   * @returns Removes it.
   */
  add(name: string, answer: QueryFunction): () => void {
    this.#functions.set(name, answer);
    return () => {
      if (this.#functions.get(name) === answer) this.#functions.delete(name);
    };
  }

  /**
   * Asks.
   *
   * @param name The name of the query.
   * @param arg Its encoded argument.
   * @param look Calls a function as code of the run that can request nothing.
   */
  ask(name: string, arg: string, look: (body: () => unknown) => unknown): QueryAnswer {
    const answer = this.#functions.get(name);
    if (answer === undefined) return { kind: "unknown", names: [...this.#functions.keys()].sort() };
    try {
      const value = look(() => answer(decode(arg)));
      if (value instanceof Promise) {
        ignoreRejection(value);
        refuse("the function of ctx.onQuery", answer, "a function that returns no promise");
      }
      return { kind: "value", payload: encode(value, "the answer") };
    } catch (error) {
      return { kind: "failed", error: encodeError(error) };
    }
  }
}
