/**
 * Finds the calls in a source that name something, such as a patch, an activity or a workflow.
 *
 * @module
 */

import type { MediaType } from "../manifest/format.ts";
import { nodesOf, parseTree, type SyntaxNode } from "./parser.ts";

/** A call whose first argument names something. */
export interface NamedCall {
  /** The function or method, such as `patched`. */
  readonly method: string;
  /** Whether it is called on the first parameter of a function of the module, as `ctx` is. */
  readonly isOnParameter: boolean;
  /** The first argument; `null`: it is not spelled out as a text. */
  readonly name: string | null;
  /** Whether the second argument is spelled out as a function. */
  readonly takesFunction: boolean;
  /** The `queue` in the third argument; `null`: none is spelled out. */
  readonly queue: string | null;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1. */
  readonly column: number;
  /** The text of the line. */
  readonly text: string;
}

/**
 * Finds every call of functions or methods by their names: for `patched`, `ctx.patched("tax")`, also
 * under another name for `ctx`, or `patched("tax")`. A call under another name than the method's is
 * not found.
 *
 * @param source The text of a module.
 * @param media Which language it is.
 * @param methods The names of the functions and methods.
 * @returns The calls, in the order of the source; none if it is no source code, or can't be parsed.
 */
export function namedCalls(
  source: string,
  media: MediaType,
  methods: ReadonlySet<string>,
): NamedCall[] {
  if (media !== "js" && media !== "jsx" && media !== "ts" && media !== "tsx") return [];
  if (![...methods].some((method) => source.includes(method))) return [];
  let tree: SyntaxNode;
  try {
    tree = parseTree(source, media);
  } catch {
    return []; // The loader reports what is wrong with it.
  }
  const lines = source.split(/\r\n|[\n\r\u2028\u2029]/);
  const starts = startsOf(source);
  const nodes = [...nodesOf(tree)];
  const parameters = new Set(nodes.map(firstParameterOf).filter((name) => name !== null));
  return nodes
    .map((node) => ({ node, method: methodOf(node) }))
    .filter(({ method }) => method !== null && methods.has(method))
    .sort((a, b) => a.node.start - b.node.start)
    .map(({ node, method }) => {
      const { start } = node["callee"] as SyntaxNode;
      const line = starts.findLastIndex((at) => at <= start);
      const [name, second, options] = node["arguments"] as readonly SyntaxNode[];
      return {
        method: method!,
        isOnParameter: parameters.has(receiverOf(node) ?? ""),
        name: textOf(name),
        takesFunction: second?.type === "ArrowFunctionExpression" ||
          second?.type === "FunctionExpression",
        queue: textOf(propertyOf(options, "queue")),
        line: line + 1,
        column: start - starts[line]! + 1,
        text: lines[line]!,
      };
    });
}

/** The function or method that a node calls by its name; `null`: it is no such call. */
function methodOf(node: SyntaxNode): string | null {
  if (node.type !== "CallExpression" && node.type !== "OptionalCallExpression") return null;
  const callee = node["callee"] as SyntaxNode;
  if (callee.type === "Identifier") return callee["name"] as string;
  if (callee.type !== "MemberExpression" && callee.type !== "OptionalMemberExpression") {
    return null;
  }
  const property = callee["property"] as SyntaxNode;
  if (callee["computed"] === true) {
    return property.type === "StringLiteral" ? property["value"] as string : null;
  }
  return property.type === "Identifier" ? property["name"] as string : null;
}

/** The name of a function's first parameter; `null`: it has none, or takes it apart. */
function firstParameterOf(node: SyntaxNode): string | null {
  const [first] = (node["params"] as readonly SyntaxNode[] | undefined) ?? [];
  return first?.type === "Identifier" ? first["name"] as string : null;
}

/** The name of the variable whose method is called; `null`: it is no variable. */
function receiverOf(call: SyntaxNode): string | null {
  const object = (call["callee"] as SyntaxNode)["object"] as SyntaxNode | undefined;
  return object?.type === "Identifier" ? object["name"] as string : null;
}

/** The value of a property that an object literal spells out. */
function propertyOf(object: SyntaxNode | undefined, key: string): SyntaxNode | undefined {
  if (object?.type !== "ObjectExpression") return undefined;
  const property = (object["properties"] as readonly SyntaxNode[]).find((property) => {
    if (property.type !== "ObjectProperty" || property["computed"] === true) return false;
    const { name, value } = property["key"] as {
      readonly name?: unknown;
      readonly value?: unknown;
    };
    return name === key || value === key;
  });
  return property?.["value"] as SyntaxNode | undefined;
}

/** The text that an expression spells out. */
function textOf(expression: SyntaxNode | undefined): string | null {
  if (expression?.type === "StringLiteral") return expression["value"] as string;
  if (expression?.type !== "TemplateLiteral") return null;
  const quasis = expression["quasis"] as readonly SyntaxNode[];
  const [only] = quasis;
  return quasis.length === 1 ? (only!["value"] as { readonly cooked: string }).cooked : null;
}

/** The offset of each line. */
function startsOf(source: string): number[] {
  return [
    0,
    ...Array.from(source.matchAll(/\r\n|[\n\r\u2028\u2029]/g), ({ 0: text, index }) => {
      return index + text.length;
    }),
  ];
}
