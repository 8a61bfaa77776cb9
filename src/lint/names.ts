/**
 * Resolves an expression within its module: to a global by its path, or to a function of the same
 * file.
 *
 * @module
 */

import type { Scopes } from "./scopes.ts";
import { child, isClass, isFunction, keyName, list, type Node, strip } from "./tree.ts";

/** Names of the global object itself. */
const ROOTS: ReadonlySet<string> = new Set(["globalThis", "self", "window", "global"]);

/** The longest chain of aliases that is followed, which also ends cycles. */
const DEPTH = 20;

/**
 * The path of a global, through aliases, destructuring, `globalThis` and literal keys.
 *
 * @param node An expression.
 * @param scopes What the module's names mean.
 * @returns Its path, such as `Math.random`, or `Blob.prototype.text` for a method of what
 *   `new Blob()` gives; null if it is not, or not surely, a global.
 */
export function globalPath(node: Node | null, scopes: Scopes): string | null {
  const path = pathOf(node, scopes, DEPTH);
  return path === null || path.length === 0 ? null : path.join(".");
}

function pathOf(given: Node | null, scopes: Scopes, depth: number): readonly string[] | null {
  const node = strip(given);
  if (node === null || depth === 0) return null;
  switch (node.type) {
    case "Identifier": {
      const variable = scopes.resolve(node);
      const name = String(node["name"]);
      if (variable === null) return ROOTS.has(name) ? [] : [name];
      const builtin = variable?.from?.specifier;
      if (builtin?.startsWith("node:")) {
        const root = builtin === "node:process" ? "process" : builtin;
        const { name } = variable!.from!;
        return name === "default" || name === "*" ? [root] : [root, name];
      }
      if (variable?.kind !== "const" || variable.path === null) return null;
      const holder = pathOf(variable.value, scopes, depth - 1);
      return holder === null ? null : [...holder, ...variable.path];
    }
    case "MemberExpression": {
      const holder = pathOf(child(node, "object"), scopes, depth - 1);
      const key = keyName(node);
      if (holder === null || key === undefined) return null;
      return holder.length === 0 && ROOTS.has(key) ? [] : [...holder, key];
    }
    case "CallExpression": {
      // `bind` returns the same function.
      const callee = strip(child(node, "callee"));
      const isBound = callee?.type === "MemberExpression" && keyName(callee) === "bind";
      return isBound ? pathOf(child(callee, "object"), scopes, depth - 1) : null;
    }
    case "NewExpression": {
      const made = pathOf(child(node, "callee"), scopes, depth - 1);
      return made === null || made.length === 0 ? null : [...made, "prototype"];
    }
    default:
      return null;
  }
}

/**
 * The function of this file that an expression stands for: itself, a declaration, a constant, a
 * method of an object or class of this file.
 *
 * @param node An expression.
 * @param scopes What the module's names mean.
 * @returns The function; null if there is none, or none for sure.
 */
export function functionOf(node: Node | null, scopes: Scopes): Node | null {
  const found = valueOf(node, scopes, DEPTH);
  return isFunction(found) ? found : null;
}

/**
 * The class of this file that an expression stands for.
 *
 * @param node An expression.
 * @param scopes What the module's names mean.
 * @returns The class; null if there is none.
 */
export function classOf(node: Node | null, scopes: Scopes): Node | null {
  const found = valueOf(node, scopes, DEPTH);
  return isClass(found) ? found : null;
}

/** Follows names to an expression or declaration that makes a value. */
function valueOf(given: Node | null, scopes: Scopes, depth: number): Node | null {
  const node = strip(given);
  if (node === null || depth === 0) return null;
  if (node.type === "Identifier") {
    const variable = scopes.resolve(node);
    if (variable === null || variable === undefined || variable.kind === "variable") return null;
    let at = valueOf(variable.value, scopes, depth - 1);
    for (const key of variable.path ?? ["?"]) at = memberOf(at, key, scopes, depth - 1);
    return at;
  }
  if (node.type === "MemberExpression") {
    const key = keyName(node);
    if (key === undefined) return null;
    const object = strip(child(node, "object"));
    if (object?.type === "ThisExpression") return ownMethod(node, key);
    return memberOf(valueOf(object, scopes, depth - 1), key, scopes, depth - 1);
  }
  return node;
}

function memberOf(holder: Node | null, key: string, scopes: Scopes, depth: number): Node | null {
  if (holder === null) return null;
  if (holder.type === "ObjectExpression") {
    const found = list(holder, "properties").findLast((item) => keyName(item) === key);
    return found?.["kind"] === "init" ? valueOf(child(found, "value"), scopes, depth) : null;
  }
  if (isClass(holder)) return method(holder, key, true);
  if (holder.type !== "NewExpression") return null;
  const made = valueOf(child(holder, "callee"), scopes, depth);
  return isClass(made) ? method(made, key, false) : null;
}

function method(made: Node, key: string, isStatic: boolean): Node | null {
  const found = list(child(made, "body")!, "body").find((item) =>
    keyName(item) === key && item["static"] === isStatic && item["kind"] !== "get"
  );
  return found === undefined ? null : strip(child(found, "value"));
}

/** The method that `this.key` means, if `this` is an instance of a class of this file. */
function ownMethod(node: Node, key: string): Node | null {
  for (let at: Node | null = node; at?.parent; at = at.parent) {
    const isMethod = at.parent.type === "MethodDefinition" && at === at.parent["value"];
    if (isMethod) return method(at.parent.parent!.parent!, key, at.parent["static"] === true);
    if (isFunction(at) && at.type !== "ArrowFunctionExpression") return null;
  }
  return null;
}
