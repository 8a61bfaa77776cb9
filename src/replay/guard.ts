/**
 * Globals as workflow code sees them. Time and randomness come from the run; what a replay could
 * not repeat is refused, and parks the run even if the code catches the refusal. Everybody else's
 * globals behave as before: a guarded function looks into its async context and passes the call on.
 *
 * @module
 */

import { unwatchRejections, watchRejections } from "./rejections.ts";
import { type Rule, RULES } from "./rules.ts";
import { scope, type WorkflowScope } from "./scope.ts";
import { virtual } from "./virtual.ts";

type Callable = (...args: never[]) => unknown;

interface Saved {
  readonly holder: object;
  readonly key: string;
  readonly descriptor: PropertyDescriptor;
}

let saved: Saved[] | null = null;

/**
 * Guards the process's globals and listens for rejections that nobody handles. Does nothing if it
 * did so before.
 */
export function installGuard(): void {
  if (saved !== null) return;
  saved = [];
  for (const rule of RULES) {
    const entry = guardOne(rule);
    if (entry !== null) saved.push(entry);
  }
  // So that `new Date().constructor === Date` still holds.
  saved.push(override(Date.prototype, "constructor", { value: Date }));
  watchRejections();
}

/** Puts the globals back, and stops to listen. For tests. */
export function uninstallGuard(): void {
  if (saved === null) return;
  for (const { holder, key, descriptor } of saved.reverse()) {
    Object.defineProperty(holder, key, descriptor);
  }
  saved = null;
  unwatchRejections();
}

function guardOne(rule: Rule): Saved | null {
  const path = (rule.at ?? rule.name).split(".");
  const key = path.pop() as string;
  let holder: unknown = globalThis;
  for (const step of path) holder = (holder as Record<string, unknown> | undefined)?.[step];
  const holds = (typeof holder === "object" && holder !== null) || typeof holder === "function";
  if (!holds) return null;
  const descriptor = Object.getOwnPropertyDescriptor(holder, key);
  if (descriptor === undefined || descriptor.configurable !== true) return null;
  if (descriptor.get === undefined) {
    if (typeof descriptor.value !== "function") return null;
    return override(holder as object, key, { value: guarded(rule, descriptor.value) });
  }
  const read = descriptor.get;
  const known = new WeakMap<object, unknown>();
  return override(holder as object, key, {
    get(this: unknown): unknown {
      const value: unknown = Reflect.apply(read, this, []);
      if (typeof value !== "function") return value;
      if (!known.has(value)) known.set(value, guarded(rule, value as Callable));
      return known.get(value);
    },
  });
}

function override(holder: object, key: string, change: PropertyDescriptor): Saved {
  const descriptor = Object.getOwnPropertyDescriptor(holder, key) as PropertyDescriptor;
  Object.defineProperty(holder, key, { ...descriptor, ...change });
  return { holder, key, descriptor };
}

/** A proxy: identity of fields, `instanceof`, `length` and subclassing stay as they were. */
function guarded(rule: Rule, original: Callable): Callable {
  const answer = rule.action === "refuse" ? null : virtual(rule.name);
  const refused = (within: WorkflowScope): Error => within.refuse(rule.name, rule.instead);
  return new Proxy(original, {
    apply(target, self, args): unknown {
      const within = scope.getStore();
      if (within?.kind !== "workflow") return Reflect.apply(target, self, args);
      if (answer === null) throw refused(within);
      return answer.call(within, target, args);
    },
    construct(target, args, newTarget): object {
      const within = scope.getStore();
      if (within?.kind !== "workflow") return Reflect.construct(target, args, newTarget);
      if (answer === null) throw refused(within);
      return answer.construct(within, target, args, newTarget);
    },
  });
}
