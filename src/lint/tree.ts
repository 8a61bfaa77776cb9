/**
 * The syntax tree of the detection: plain ESTree objects with a link to their parent, without
 * TypeScript's types.
 *
 * @module
 */

/** A piece of source. */
export interface Node {
  /** ESTree's name of its kind, such as `CallExpression`. */
  readonly type: string;
  /** Where it begins and ends, in the host's own units. */
  readonly range: readonly [number, number];
  /** What holds it; null for the program. */
  readonly parent: Node | null;
  /** The name of the type that a binding is annotated with; undefined if it is not a plain name. */
  readonly annotation?: string | undefined;
  /** What ESTree names its parts. */
  readonly [key: string]: unknown;
}

/** A function, with or without a name. */
export type FunctionNode = Node & {
  /** Which kind of function it is. */
  readonly type: "ArrowFunctionExpression" | "FunctionDeclaration" | "FunctionExpression";
};

/** A class, with or without a name. */
export type ClassNode = Node & {
  /** Which kind of class it is. */
  readonly type: "ClassDeclaration" | "ClassExpression";
};

/** Names of TypeScript that hold code that runs; everything else below `TS` is about types. */
const RUNS =
  /^TS(As|NonNull|Satisfies|Instantiation)Expression$|^TSTypeAssertion$|^TSParameterProperty$|^TSEnum|^TSModule|^TSExportAssignment$|^TSImportEqualsDeclaration$/;

/** Wrappers that change nothing about the value of what they hold. */
const WRAPPERS: ReadonlySet<string> = new Set([
  "ChainExpression",
  "ParenthesizedExpression",
  "TSAsExpression",
  "TSInstantiationExpression",
  "TSNonNullExpression",
  "TSSatisfiesExpression",
  "TSTypeAssertion",
]);

const FUNCTIONS: ReadonlySet<string> = new Set([
  "ArrowFunctionExpression",
  "FunctionDeclaration",
  "FunctionExpression",
]);

/**
 * Copies a host's tree. A host's nodes may answer from getters and share no identity.
 *
 * @param given Any tree of the ESTree shape, such as `Deno.lint.Program`.
 * @returns The same tree as plain objects.
 */
export function plainTree(given: unknown): Node {
  return copy(given as Source, null);
}

type Source = Readonly<Record<string, unknown>> & { type: string; range: [number, number] };

function copy(given: Source, parent: Node | null): Node {
  const node: Record<string, unknown> = { type: given.type, range: given.range, parent };
  const self = node as unknown as Node;
  // Not Object.keys: the linter's nodes inherit their properties.
  for (const key in given) {
    if (key === "type" || key === "range" || key === "parent" || key === "length") continue;
    const value = given[key];
    if (value === undefined) continue;
    if (key === "typeAnnotation") node["annotation"] = annotation(value);
    else if (Array.isArray(value)) node[key] = value.map((item) => part(item, self));
    else if (isSource(value)) {
      if (runs(value)) node[key] = copy(value, self);
    } else node[key] = value;
  }
  return self;
}

function part(item: unknown, parent: Node): unknown {
  if (!isSource(item)) return item;
  return runs(item) ? copy(item, parent) : null;
}

function isSource(value: unknown): value is Source {
  return typeof value === "object" && value !== null && "type" in value &&
    typeof value.type === "string";
}

function runs({ type, declare }: Source): boolean {
  return declare !== true && (!type.startsWith("TS") || RUNS.test(type));
}

function annotation(value: unknown): string | undefined {
  if (!isSource(value)) return undefined;
  const type = isSource(value["typeAnnotation"]) ? value["typeAnnotation"] : value;
  const name = type["typeName"];
  return isSource(name) && name.type === "Identifier" ? String(name["name"]) : undefined;
}

/**
 * What a node holds directly.
 *
 * @param node The node.
 * @returns Its parts, in no particular order.
 */
export function children(node: Node): Node[] {
  const found: Node[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === "parent") continue;
    if (Array.isArray(value)) {
      for (const item of value) if (isSource(item)) found.push(item as never);
    } else if (isSource(value)) found.push(value as never);
  }
  return found;
}

/**
 * One part of a node.
 *
 * @param node The node.
 * @param key What ESTree names the part.
 * @returns The part; null if there is none.
 */
export function child(node: Node, key: string): Node | null {
  const value = node[key];
  return isSource(value) ? value as unknown as Node : null;
}

/**
 * The parts of a node under one name.
 *
 * @param node The node.
 * @param key What ESTree names them.
 * @returns The parts, in order of the source; holes left out.
 */
export function list(node: Node, key: string): Node[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isSource) as unknown as Node[] : [];
}

/**
 * Unwraps an expression: removes parentheses, type assertions and optional chains.
 *
 * @param node An expression.
 * @returns The expression inside; for a comma expression its last one.
 */
export function strip(node: Node | null): Node | null {
  let at = node;
  while (at !== null) {
    if (WRAPPERS.has(at.type)) at = child(at, "expression");
    else if (at.type === "SequenceExpression") at = list(at, "expressions").at(-1) ?? null;
    else break;
  }
  return at;
}

/**
 * Whether a node is a function.
 *
 * @param node The node.
 * @returns Whether it is; methods hold functions.
 */
export function isFunction(node: Node | null): node is FunctionNode {
  return node !== null && FUNCTIONS.has(node.type);
}

/**
 * Whether a node is a class.
 *
 * @param node The node.
 * @returns Whether it is.
 */
export function isClass(node: Node | null): node is ClassNode {
  return node?.type === "ClassDeclaration" || node?.type === "ClassExpression";
}

/**
 * The text of a string, or of a template without substitutions.
 *
 * @param node An expression.
 * @returns The text; undefined if it is only known when the code runs.
 */
export function literalText(node: Node | null): string | undefined {
  const at = strip(node);
  if (at?.type === "Literal" && typeof at["value"] === "string") return at["value"];
  if (at?.type !== "TemplateLiteral") return undefined;
  const [only, ...rest] = list(at, "quasis");
  return rest.length > 0 || only === undefined ? undefined : String(only["cooked"]);
}

/**
 * The name under which a property is read or written.
 *
 * @param node A member expression, property or method.
 * @returns The name; undefined if it is only known when the code runs; a private one begins with
 * `#`.
 */
export function keyName(node: Node): string | undefined {
  const key = child(node, node.type === "MemberExpression" ? "property" : "key");
  if (key === null) return undefined;
  if (node["computed"] === true || key.type === "Literal") return literalText(key);
  if (key.type === "PrivateIdentifier") return `#${String(key["name"])}`;
  return key.type === "Identifier" ? String(key["name"]) : undefined;
}
