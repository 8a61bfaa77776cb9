/**
 * Globals as workflow code sees them. Time and randomness come from the run. Time zone, locale and
 * everything else that differs between nodes are the same everywhere. A call whose result a replay
 * could not repeat is refused, and parks the run even if the code catches the refusal. For all
 * other code, globals behave as before: a guarded function checks its async context and calls the
 * original.
 *
 * - GUARD-1: the guard is installed before any workflow module is evaluated: importing this
 *   package, or its `./workflow`, installs it.
 *
 * @module
 */

import crypto from "node:crypto";
import os from "node:os";
import process from "node:process";
import timers from "node:timers";
import vm from "node:vm";
import "node:worker_threads"; // its first import replaces the runtime's channel classes by its own
import { COMBINATORS, combine } from "./attention.ts";
import { CallStack } from "./call_stack.ts";
import { caughtInTimer, ENDS, refuseEnd, TIMERS } from "./leftovers.ts";
import { unwatchErrors, watchErrors } from "./rejections.ts";
import { RULES } from "./rules.ts";
import { answering, type WorkflowScope } from "./scope.ts";
import { virtual } from "./virtual.ts";
import type { Rule } from "./rule.ts";
import type { Virtual } from "./virtual_call.ts";

type Callable = (...args: never[]) => unknown;

interface Saved {
  readonly holder: object;
  readonly key: string;
  readonly descriptor: PropertyDescriptor;
}

/** Modules with which the path of a rule may begin: members of their default export are guarded. */
export const MODULES: Readonly<Record<string, object>> = {
  "node:crypto": crypto,
  "node:os": os,
  "node:timers": timers,
  "node:vm": vm,
  "process": process,
};

let saved: Saved[] | null = null;

/**
 * Guards the process's globals and listens for unhandled errors. A second call does nothing.
 */
export function installGuard(): void {
  if (saved !== null) return;
  saved = [];
  for (const rule of RULES) {
    const entry = guardOne(rule);
    if (entry !== null) saved.push(entry);
  }
  saved.push(guardProcess(), ...guardCombinators());
  // So that `new Date().constructor === Date` still holds.
  for (const type of [Date, File, Intl.DateTimeFormat]) {
    saved.push(override(type.prototype, "constructor", { value: type }));
  }
  watchErrors();
}

/** Restores the globals and removes the listeners. For tests. */
export function uninstallGuard(): void {
  if (saved === null) return;
  for (const { holder, key, descriptor } of saved.reverse()) {
    Object.defineProperty(holder, key, descriptor);
  }
  saved = null;
  unwatchErrors();
}

/**
 * Finds the object that has a rule's global.
 *
 * @param rule The rule.
 * @returns The object and the key; `null` if this runtime does not have the global.
 */
export function placeOf(rule: Rule): { readonly holder: object; readonly key: string } | null {
  const path = (rule.at ?? rule.name).split(".");
  const key = path.pop() as string;
  const first = MODULES[path[0] ?? ""];
  if (first !== undefined) path.shift();
  let holder: unknown = first ?? globalThis;
  for (const step of path) holder = (holder as Record<string, unknown> | undefined)?.[step];
  const holds = (typeof holder === "object" && holder !== null) || typeof holder === "function";
  return holds ? { holder: holder as object, key } : null;
}

function guardOne(rule: Rule): Saved | null {
  const place = placeOf(rule);
  if (place === null) return null;
  const { holder, key } = place;
  const descriptor = Object.getOwnPropertyDescriptor(holder, key);
  if (descriptor === undefined || descriptor.configurable !== true) return null;
  if (rule.isRead === true) return guardRead(rule, holder, key, descriptor);
  if (descriptor.get === undefined) {
    if (typeof descriptor.value !== "function") return null;
    return override(holder, key, { value: guarded(rule, descriptor.value) });
  }
  const read = descriptor.get;
  const known = new WeakMap<object, unknown>();
  return override(holder, key, {
    get(this: unknown): unknown {
      const value: unknown = Reflect.apply(read, this, []);
      if (typeof value !== "function") return value;
      if (!known.has(value)) known.set(value, guarded(rule, value as Callable));
      return known.get(value);
    },
  });
}

/** Replaces what reading the global returns; writing it within workflow code is refused. */
function guardRead(
  rule: Rule,
  holder: object,
  key: string,
  { get, set, value, enumerable }: PropertyDescriptor,
): Saved {
  const { read } = virtual(rule.name);
  let held: unknown = value;
  const saved = { holder, key, descriptor: Object.getOwnPropertyDescriptor(holder, key)! };
  Object.defineProperty(holder, key, {
    get(this: unknown): unknown {
      const within = answering();
      if (within?.kind === "workflow") return read!(within);
      return get === undefined ? held : Reflect.apply(get, this, []);
    },
    set(this: unknown, next: unknown): void {
      const within = answering();
      if (within?.kind === "workflow") throw within.refuse(`${rule.name} =`, "nothing");
      if (set !== undefined) Reflect.apply(set, this, [next]);
      else if (get === undefined) held = next;
    },
    enumerable: enumerable === true,
    configurable: true,
  });
  return saved;
}

/** `process.pid` can't be redefined, so runs see a proxy of `process`. */
function guardProcess(): Saved {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, "process") as PropertyDescriptor;
  const seen = new Proxy(process, {
    get: (target, key) => key === "pid" ? 1 : Reflect.get(target, key, target),
  });
  return override(globalThis, "process", {
    get: () =>
      answering()?.kind === "workflow" ? seen : Reflect.apply(descriptor.get!, globalThis, []),
  });
}

/** So that waits for signals know what awaits them: other code does not see a difference. */
function guardCombinators(): Saved[] {
  return Object.entries(COMBINATORS).map(([key, isRace]) => {
    const value = new Proxy(Reflect.get(Promise, key) as Callable, {
      apply(target, self, args): unknown {
        return self === Promise && answering()?.kind === "workflow"
          ? combine(target, isRace, args)
          : Reflect.apply(target, self, args);
      },
    });
    return override(Promise, key, { value });
  });
}

function override(holder: object, key: string, change: PropertyDescriptor): Saved {
  const descriptor = Object.getOwnPropertyDescriptor(holder, key) as PropertyDescriptor;
  Object.defineProperty(holder, key, { ...descriptor, ...change });
  return { holder, key, descriptor };
}

/**
 * A call that runs may not make is passed on during the evaluation of a module: it may prepare
 * steps.
 */
function guarded(rule: Rule, original: Callable): Callable {
  return rule.action === "refuse"
    ? refusing(rule, original)
    : answeringFor(rule.name, virtual(rule.name), original);
}

/** A proxy, so that identity, `instanceof`, `length` and subclassing stay the same. */
function refusing(rule: Rule, original: Callable): Callable {
  const isTimer = TIMERS.has(rule.name);
  const ends = ENDS.has(rule.name);
  return new Proxy(original, {
    apply(target, self, args): unknown {
      const within = answering();
      if (within?.kind === "workflow") return refused(within, rule);
      if (ends) refuseEnd(rule.name, args);
      return Reflect.apply(target, self, isTimer ? caughtInTimer(args) : args);
    },
    construct(target, args, newTarget): object {
      const within = answering();
      if (within?.kind !== "workflow") return Reflect.construct(target, args, newTarget);
      throw within.refuse(rule.name, rule.instead);
    },
  });
}

function answeringFor(
  name: string,
  { call, construct }: Virtual,
  original: Callable,
): Callable {
  const isSecret = /^(?:node:)?crypto\./.test(name);
  return new Proxy(original, {
    apply(target, self, args): unknown {
      const within = answering();
      if (within === undefined || call === undefined) return Reflect.apply(target, self, args);
      if (isSecret && within.kind === "module") {
        within.notice(name);
        return Reflect.apply(target, self, args);
      }
      return call(within, args, target, self);
    },
    construct(target, args, newTarget): object {
      const within = answering();
      if (within === undefined || construct === undefined) {
        return Reflect.construct(target, args, newTarget);
      }
      return Reflect.construct(target, construct(within, args), newTarget);
    },
  });
}

/** `process.env` is empty if code already holds `process`; looking it up is refused. */
function refused(within: WorkflowScope, { name, instead }: Rule): unknown {
  if (
    !name.startsWith("Deno.env.") || new CallStack().caller?.startsWith("ext:deno_node/") !== true
  ) {
    throw within.refuse(name, instead);
  }
  return name === "Deno.env.toObject" ? {} : name === "Deno.env.has" ? false : undefined;
}
