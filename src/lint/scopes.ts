/**
 * Resolves names to variables by the lexical scopes of one module.
 *
 * @module
 */

import {
  child,
  children,
  isClass,
  isFunction,
  keyName,
  list,
  literalText,
  type Node,
} from "./tree.ts";

/** A declared variable. */
export interface Variable {
  /** Its name. */
  readonly name: string;
  /** The kind of declaration. */
  readonly kind: "import" | "function" | "class" | "const" | "variable" | "param" | "other";
  /** Whether it lives as long as the module. */
  readonly isModule: boolean;
  /** The function or class itself, or the initial value that it is (a part of). */
  readonly value: Node | null;
  /** The properties that lead from `value` to it; null if they are unknown. */
  readonly path: readonly string[] | null;
  /** For imports: the specifier, and the name over there (`default`, or `*` for the namespace). */
  readonly from?: { readonly specifier: string; readonly name: string };
  /** The name of the type that it is annotated with. */
  readonly annotation?: string | undefined;
}

/** The variables of a module, and what refers to them. */
export interface Scopes {
  /** What an identifier refers to: a variable; null for a global; undefined if it is no reference. */
  resolve(identifier: Node): Variable | null | undefined;
  /** The variable that a name in a declaration declares. */
  declared(identifier: Node): Variable | undefined;
  /** Everything that refers to a variable. */
  references(variable: Variable): readonly Node[];
}

interface Scope {
  readonly outer: Scope | null;
  readonly names: Map<string, Variable>;
}

const BLOCKS: ReadonlySet<string> = new Set([
  "BlockStatement",
  "CatchClause",
  "ForInStatement",
  "ForOfStatement",
  "ForStatement",
  "StaticBlock",
  "SwitchStatement",
  "TSModuleBlock",
]);

/**
 * Resolves the names of a module.
 *
 * @param program The module.
 * @returns Its variables.
 */
export function resolveNames(program: Node): Scopes {
  const resolved = new Map<Node, Variable | null>();
  const declarations = new Map<Node, Variable>();
  const references = new Map<Variable, Node[]>();

  function declare(scope: Scope, id: Node | null, rest: Omit<Variable, "name" | "isModule">): void {
    if (id === null) return;
    const variable = { name: String(id["name"]), isModule: scope.outer === null, ...rest };
    scope.names.set(variable.name, variable);
    declarations.set(id, variable);
  }

  /** Declares every name of a pattern. */
  function pattern(
    scope: Scope,
    node: Node | null,
    kind: Variable["kind"],
    value: Node | null,
    path: readonly string[] | null,
  ): void {
    switch (node?.type) {
      case "Identifier":
        return declare(scope, node, { kind, value, path, annotation: node.annotation });
      case "AssignmentPattern":
        return pattern(scope, child(node, "left"), kind, value, null);
      case "RestElement":
        return pattern(scope, child(node, "argument"), kind, value, null);
      case "TSParameterProperty":
        return pattern(scope, child(node, "parameter"), kind, value, null);
      case "ArrayPattern":
        for (const item of list(node, "elements")) pattern(scope, item, kind, value, null);
        return;
      case "ObjectPattern":
        for (const item of list(node, "properties")) {
          if (item.type === "RestElement") pattern(scope, item, kind, value, null);
          else {
            const key = keyName(item);
            const longer = path === null || key === undefined ? null : [...path, key];
            pattern(scope, child(item, "value"), kind, value, longer);
          }
        }
    }
  }

  function declaration(scope: Scope, node: Node): void {
    const kind = node["kind"] === "const" ? "const" : "variable";
    for (const item of list(node, "declarations")) {
      pattern(scope, child(item, "id"), kind, child(item, "init"), []);
    }
  }

  /** Declares what a statement adds to its block. */
  function hoist(scope: Scope, statement: Node): void {
    switch (statement.type) {
      case "ImportDeclaration":
        return imports(scope, statement);
      case "ExportNamedDeclaration":
      case "ExportDefaultDeclaration": {
        const inner = child(statement, "declaration");
        if (inner !== null) hoist(scope, inner);
        return;
      }
      case "FunctionDeclaration":
      case "ClassDeclaration": {
        const kind = isFunction(statement) ? "function" : "class";
        return declare(scope, child(statement, "id"), { kind, value: statement, path: [] });
      }
      case "VariableDeclaration":
        if (statement["kind"] !== "var") declaration(scope, statement);
        return;
      case "TSEnumDeclaration":
      case "TSModuleDeclaration":
      case "TSImportEqualsDeclaration": {
        const id = child(statement, "id");
        if (id?.type === "Identifier") {
          declare(scope, id, { kind: "other", value: null, path: null });
        }
      }
    }
  }

  function imports(scope: Scope, node: Node): void {
    const specifier = literalText(child(node, "source")) ?? "";
    for (const item of list(node, "specifiers")) {
      const imported = child(item, "imported");
      const name = item.type === "ImportDefaultSpecifier"
        ? "default"
        : item.type === "ImportNamespaceSpecifier"
        ? "*"
        : String(imported?.["name"] ?? imported?.["value"]);
      const from = { specifier, name };
      declare(scope, child(item, "local"), { kind: "import", value: null, path: null, from });
    }
  }

  /** Declares each `var` of a function or module, however deep in its blocks. */
  function hoistVars(scope: Scope, node: Node): void {
    if (isFunction(node) || isClass(node)) return;
    if (node.type === "VariableDeclaration" && node["kind"] === "var") declaration(scope, node);
    for (const inner of children(node)) hoistVars(scope, inner);
  }

  function statements(scope: Scope, body: readonly Node[]): void {
    for (const statement of body) hoist(scope, statement);
    for (const statement of body) visit(statement, scope);
  }

  function visitFunction(node: Node, outer: Scope): void {
    const scope: Scope = { outer, names: new Map() };
    const id = child(node, "id");
    if (node.type === "FunctionExpression" && id !== null) {
      declare(scope, id, { kind: "function", value: node, path: [] });
    }
    for (const param of list(node, "params")) pattern(scope, param, "param", null, null);
    for (const param of list(node, "params")) visit(param, scope);
    const body = child(node, "body");
    if (body === null) return;
    hoistVars(scope, body);
    if (body.type === "BlockStatement") statements(scope, list(body, "body"));
    else visit(body, scope);
  }

  function visitBlock(node: Node, outer: Scope): void {
    const scope: Scope = { outer, names: new Map() };
    if (node.type === "CatchClause") pattern(scope, child(node, "param"), "param", null, null);
    const cases = list(node, "cases").flatMap((item) => list(item, "consequent"));
    const heads = [child(node, "init"), child(node, "left")].filter((head) => head !== null);
    for (const inner of [...heads, ...cases, ...list(node, "body")]) hoist(scope, inner);
    for (const inner of children(node)) visit(inner, scope);
  }

  function reference(node: Node, scope: Scope): void {
    for (let at: Scope | null = scope; at !== null; at = at.outer) {
      const variable = at.names.get(String(node["name"]));
      if (variable === undefined) continue;
      resolved.set(node, variable);
      const known = references.get(variable);
      if (known === undefined) references.set(variable, [node]);
      else known.push(node);
      return;
    }
    resolved.set(node, null);
  }

  function visit(node: Node, scope: Scope): void {
    if (node.type === "Identifier") {
      if (!declarations.has(node)) reference(node, scope);
      return;
    }
    if (isFunction(node)) return visitFunction(node, scope);
    if (BLOCKS.has(node.type)) return visitBlock(node, scope);
    if (node.type === "ClassExpression" && child(node, "id") !== null) {
      const inner: Scope = { outer: scope, names: new Map() };
      declare(inner, child(node, "id"), { kind: "class", value: node, path: [] });
      for (const part of children(node)) visit(part, inner);
      return;
    }
    for (const part of children(node)) if (!isMereName(node, part)) visit(part, scope);
  }

  const scope: Scope = { outer: null, names: new Map() };
  hoistVars(scope, program);
  statements(scope, list(program, "body"));
  return {
    resolve: (identifier) => resolved.get(identifier),
    declared: (identifier) => declarations.get(identifier),
    references: (variable) => references.get(variable) ?? [],
  };
}

/** Whether a part of a node is a name of something other than a variable. */
function isMereName(node: Node, part: Node): boolean {
  switch (node.type) {
    case "MemberExpression":
      return part === node["property"] && node["computed"] !== true;
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
    case "AccessorProperty":
      return part === node["key"] && node["computed"] !== true;
    case "ExportSpecifier":
      return part === node["exported"] || child(node.parent!, "source") !== null;
    case "ImportSpecifier":
      return part === node["imported"];
    case "TSEnumMember":
      return part === node["id"];
    case "MetaProperty":
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
      return part.type === "Identifier";
    case "ExportAllDeclaration":
    case "ImportAttribute":
      return true;
    default:
      return false;
  }
}
