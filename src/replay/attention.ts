/**
 * Attention: whether code still awaits a wait for a signal.
 *
 * - ATTENTION-1: a wait that has lost a `Promise.race` or `Promise.any`, and that nothing else
 *   awaits, takes no message until code awaits it again. So a message never reaches a promise that
 *   the code has dropped.
 * - ATTENTION-2: attention follows from what the code did, so it is the same on every node and on
 *   every replay, and no event records it. A history says which wait took a message.
 *
 * The machine sees `await`, `then`, `catch`, `finally`, and the functions of `Promise` that combine
 * promises. It does not see behind an async function: a wait that such a function awaits is awaited
 * until it ends.
 *
 * @module
 */

import { EffectPromise } from "./effect_promise.ts";

/**
 * Who awaits a wait for a signal: code that awaits it until it ends (`held`), a race that something
 * else may win (`raced`), or no code, since it has lost its races (`lost`).
 */
export type Attention = "held" | "raced" | "lost";

/** A promise that was made of others: it awaits them for as long as it is open. */
interface Watcher {
  /** Whether it has not settled yet. */
  isOpen: boolean;
  /** Whether it may settle though a wait that it awaits has not ended. */
  readonly isRace: boolean;
  /** The promise itself. */
  promise: WatchedPromise;
}

/** What a look at the `constructor` of a watched promise is part of. */
let looking: "await" | "then" | "combinator" = "await";

/** A promise that knows who awaits it: of a wait, or made of such promises. */
export class WatchedPromise extends EffectPromise {
  /** Whether something awaits it that the machine does not see behind. */
  #isHeld = false;
  #watchers: Watcher[] = [];
  /** Whether the next call of `then` is by a function that combines promises. */
  #isCombined = false;

  /** Who awaits it. Code that has not looked at it yet may still do so: it counts as held. */
  get attention(): Attention {
    if (this.#isHeld || this.#watchers.length === 0) return "held";
    let found: Attention = "lost";
    for (const { isOpen, isRace, promise } of this.#watchers) {
      const { attention } = isOpen ? promise : LOST;
      if (attention === "held" && !isRace) return "held";
      if (attention !== "lost") found = "raced";
    }
    return found;
  }

  /** Notes a promise that awaits it from now on. */
  #watchBy(watcher: Watcher): void {
    if (this.#watchers.length > 0) this.#watchers = this.#watchers.filter(({ isOpen }) => isOpen);
    this.#watchers.push(watcher);
  }

  /** A function that combines promises awaits it: its next call is `then`. */
  combineInto(watcher: Watcher): void {
    this.#watchBy(watcher);
    this.#isCombined = true;
  }

  protected override look(): PromiseConstructor {
    const constructor = super.look();
    if (looking === "await") this.#isHeld = true;
    return looking === "then" ? WatchedPromise as unknown as PromiseConstructor : constructor;
  }

  override then<Result = unknown, Failure = never>(
    fulfilled?: ((value: unknown) => Result | PromiseLike<Result>) | null,
    failed?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    const isCombined = this.#isCombined;
    this.#isCombined = false;
    const then = () => super.then(fulfilled, failed);
    if (isCombined) return lookingAs("combinator", then);
    const promise = lookingAs("then", then);
    const watcher = { isOpen: true, isRace: false, promise: promise as unknown as WatchedPromise };
    this.#watchBy(watcher);
    return promise;
  }

  override finally(settled?: (() => void) | null): Promise<unknown> {
    return lookingAs("combinator", () => super.finally(settled)); // which calls `then`
  }
}

// Otherwise a class gives its prototype a constructor of its own.
Reflect.deleteProperty(WatchedPromise.prototype, "constructor");

/** Stands for promises that have settled: they await nothing. */
const LOST: { readonly attention: Attention } = { attention: "lost" };

function lookingAs<T>(kind: typeof looking, look: () => T): T {
  const before = looking;
  looking = kind;
  try {
    return look();
  } finally {
    looking = before;
  }
}

/** The functions of `Promise` that combine promises, and whether they are races. */
export const COMBINATORS: Readonly<Record<"all" | "allSettled" | "any" | "race", boolean>> = {
  all: false,
  allSettled: false,
  any: true,
  race: true,
};

type Executor = ConstructorParameters<typeof Promise<unknown>>[0];

/**
 * Calls a function of `Promise` that combines promises, so that those of waits know what awaits
 * them. The result settles after as many microtasks as without this.
 *
 * @param original The function, such as `Promise.race`.
 * @param isRace Whether it settles with the first of its promises.
 * @param args Its arguments.
 * @returns Its result.
 */
// deno-lint-ignore ban-types -- any of the runtime's functions
export function combine(original: Function, isRace: boolean, args: unknown[]): unknown {
  let watcher: Watcher;
  function Combined(executor: Executor): Promise<unknown> {
    const promise = new WatchedPromise((resolve, reject) =>
      executor((value) => {
        watcher.isOpen = false;
        resolve(value);
      }, (reason) => {
        watcher.isOpen = false;
        reject(reason);
      })
    );
    watcher = { isOpen: true, isRace, promise };
    return promise;
  }
  Combined.resolve = (item: unknown): Promise<unknown> => {
    if (!(item instanceof WatchedPromise)) return Promise.resolve(item);
    item.combineInto(watcher);
    return item;
  };
  return Reflect.apply(original, Combined, args);
}
