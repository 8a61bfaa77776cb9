/**
 * Makes constructors assign their parameter properties before fields are initialised, as Deno emits
 * them: in `class P { y = this.x; constructor(private x: number) {} }`, `y` gets the parameter's
 * value. The language itself initialises fields first, and so does the compiler.
 *
 * Each initialiser becomes the body of a private method in its own place, which the constructor
 * calls: no name is captured, and no line moves.
 *
 * @module
 */

import type { Edit } from "./edits.ts";
import { positionOf } from "../imports/lex.ts";
import type { SyntaxNode } from "../imports/parser.ts";
import { GraphError } from "../errors.ts";

/**
 * Rewrites the classes whose fields would be initialised too early.
 *
 * @param source TypeScript.
 * @param media With or without JSX.
 * @param url The module's name in messages.
 * @param isLegacy Whether decorators are those of `experimentalDecorators`.
 * @returns The edits; empty if there is no such class.
 * @throws {SyntaxError} When the source can't be parsed.
 * @throws {GraphError} (`MODULE_SYNTAX`) When a field can't be initialised as Deno does it.
 */
export async function initialiseAfterParameters(
  source: string,
  media: "ts" | "tsx" | "jsx",
  url: string,
  isLegacy: boolean,
): Promise<readonly Edit[]> {
  if (!/\bconstructor\b/.test(source)) return [];
  if (!/\b(public|private|protected|readonly|override)\b/.test(source)) return [];
  const { parseTree, nodesOf } = await import("../imports/parser.ts");
  const edits: Edit[] = [];
  for (const node of nodesOf(parseTree(source, media))) {
    if (node.type === "ClassDeclaration" || node.type === "ClassExpression") {
      edits.push(...editClass(node, source, url, isLegacy, edits.length));
    }
  }
  return edits;
}

function editClass(
  node: SyntaxNode,
  source: string,
  url: string,
  isLegacy: boolean,
  count: number,
): Edit[] {
  const members = (node["body"] as SyntaxNode)["body"] as SyntaxNode[];
  const constructor = members.find((m) => m.type === "ClassMethod" && m["kind"] === "constructor");
  const parameters = (constructor?.["params"] ?? []) as SyntaxNode[];
  const fields = members.filter((member) =>
    (member.type === "ClassProperty" || member.type === "ClassPrivateProperty") &&
    member["static"] !== true && member["declare"] !== true && member["value"]
  );
  if (fields.length === 0 || !parameters.some((p) => p.type === "TSParameterProperty")) return [];
  const edits: Edit[] = [];
  let calls = "";
  for (const [i, field] of fields.entries()) {
    const key = field["key"] as SyntaxNode;
    const isComputed = field["computed"] === true;
    const decorators = (field["decorators"] ?? []) as unknown[];
    if ((isComputed && !/Literal$/.test(key.type)) || (decorators.length > 0 && !isLegacy)) {
      const { line, column } = positionOf(source, field.start);
      throw new GraphError(
        "MODULE_SYNTAX",
        `Cannot compile ${url}: line ${line}, column ${column}: found a ` +
          `${isComputed ? "computed" : "decorated"} field that is initialised in a class with ` +
          "parameter properties, which is not compiled as Deno does it, wanted an assignment in its " +
          "constructor",
        { details: { url, line, column } },
      );
    }
    let name = `#_init${count + i}`;
    while (source.includes(name)) name += "_";
    const text = source.slice(key.start, key.end);
    const isName = key.type === "Identifier" || key.type === "PrivateName";
    const place = `this${isName ? `.${text}` : `[${text}]`}`;
    const value = field["value"] as SyntaxNode;
    const typeEnd = (field["typeAnnotation"] as SyntaxNode | null | undefined)?.end ?? key.end;
    const equals = equalsSign(source, isComputed ? source.indexOf("]", typeEnd) + 1 : typeEnd);
    edits.push({ at: equals, end: equals + 1, text: `;${name}(){${place}=` });
    edits.push({ at: closing(source, value), end: closing(source, value), text: "}" });
    calls += `this.${name}();`;
  }
  const body = constructor!["body"] as SyntaxNode;
  const insert = (at: number, text: string) => edits.push({ at, end: at, text });
  if (!node["superClass"]) {
    insert(body.start + 1, `;${calls}`);
    return edits;
  }
  const supers = superCalls(body);
  const statement = (body["body"] as SyntaxNode[]).find(({ expression }) =>
    expression === supers[0] && expression !== undefined
  );
  if (statement !== undefined && supers.length === 1) insert(statement.end, `;${calls}`);
  else {
    // As the compiler does it: the value of the expression is still that of the call.
    for (const call of supers) {
      insert(call.start, "[");
      insert(call.end, `,${calls.replaceAll(";", ",")}][0]`);
    }
  }
  return edits;
}

/** The calls of a constructor's own `super`, without those of classes inside it. */
function superCalls(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (const value of Object.values(node).flat()) {
    const child = value as SyntaxNode | null;
    if (typeof child !== "object" || child === null || typeof child.type !== "string") continue;
    if (/^Class(Declaration|Expression)$/.test(child.type)) continue;
    const isCall = child.type === "CallExpression" &&
      (child["callee"] as SyntaxNode).type === "Super";
    if (isCall) found.push(child);
    found.push(...superCalls(child));
  }
  return found;
}

/** The offset of the `=` after a field's name and type; comments are skipped. */
function equalsSign(source: string, from: number): number {
  const [before] = /^(?:[\s!?]|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/.exec(source.slice(from))!;
  return from + before.length;
}

/** The offset after an initialiser and the parentheses around it. */
function closing(source: string, { end, extra }: SyntaxNode): number {
  const isParenthesized =
    (extra as { parenthesized?: boolean } | undefined)?.parenthesized === true;
  if (!isParenthesized) return end;
  const [before] = /^(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/|\))*\)/.exec(source.slice(end))!;
  return end + before.length;
}
