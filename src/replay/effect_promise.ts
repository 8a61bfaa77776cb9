/**
 * The promises of effects: they know whether code looks at them.
 *
 * @module
 */

import { ignoreRejection } from "../base/background.ts";

/**
 * A promise that knows whether code looks at it. Every way to do so (`await`, `then`,
 * `Promise.all`, a `return` from an async function) first reads its `constructor`. Since that is
 * `Promise`, it continues as with any other promise, in as many microtasks.
 */
export class EffectPromise extends Promise<unknown> {
  /** Whether code has looked at it. */
  isAwaited = false;
  /** Called whenever code looks at it. */
  onLook: () => void = IGNORE;

  /** Marks its rejection as handled. */
  ignoreRejection(): void {
    const { isAwaited, onLook } = this;
    this.onLook = IGNORE;
    ignoreRejection(this);
    this.isAwaited = isAwaited;
    this.onLook = onLook;
  }

  /** Code looks at it. Returns what its `constructor` is. */
  protected look(): PromiseConstructor {
    this.isAwaited = true;
    this.onLook();
    return Promise;
  }
}

Reflect.defineProperty(EffectPromise.prototype, "constructor", {
  configurable: true,
  get(this: EffectPromise): PromiseConstructor {
    return this.look();
  },
});

function IGNORE(): void {}
