/**
 * The keys of the objects that a CommonJS module assigns to `module.exports`.
 *
 * @module
 */

import { parse } from "@babel/parser";
import { nodesOf, type SyntaxNode } from "../imports/parser.ts";

/**
 * Finds the keys.
 *
 * @param text The text of the module.
 * @returns The keys that are names or texts; none if it can't be parsed.
 */
export function keysOfExports(text: string): string[] {
  let tree: SyntaxNode;
  try {
    tree = parse(text, {
      sourceType: "script",
      allowReturnOutsideFunction: true,
      errorRecovery: true,
    }).program as unknown as SyntaxNode;
  } catch {
    return [];
  }
  const keys: string[] = [];
  for (const node of nodesOf(tree)) {
    if (node.type !== "AssignmentExpression" || !isModuleExports(node["left"])) continue;
    const right = node["right"] as SyntaxNode;
    if (right.type !== "ObjectExpression") continue;
    for (const property of right["properties"] as SyntaxNode[]) keys.push(...keyOf(property));
  }
  return keys;
}

function keyOf(property: SyntaxNode): string[] {
  if (property.type === "SpreadElement" || property["computed"] === true) return [];
  const { type, name, value } = property["key"] as SyntaxNode;
  if (type === "Identifier") return [name as string];
  return type === "StringLiteral" ? [value as string] : [];
}

function isModuleExports(value: unknown): boolean {
  const { type, object, property } = value as SyntaxNode;
  return type === "MemberExpression" && (object as SyntaxNode)["name"] === "module" &&
    (property as SyntaxNode)["name"] === "exports";
}
