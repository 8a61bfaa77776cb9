/**
 * Describes a workflow module for the detection: its imports from this package, the functions of
 * its workflows, and the variables that hold a run's context.
 *
 * @module
 */

import { functionOf } from "./names.ts";
import { resolveNames, type Scopes, type Variable } from "./scopes.ts";
import { child, children, keyName, list, type Node, strip } from "./tree.ts";

/**
 * Finds out whether a specifier means this package: its `./workflow` entry, something else of it,
 * or neither.
 */
export type Classify = (specifier: string) => "host" | "engine" | undefined;

/** A module that imports `./workflow`. */
export interface WorkflowModule {
  /** The module. */
  readonly program: Node;
  /** What its names mean. */
  readonly scopes: Scopes;
  /** Every node of it. */
  readonly nodes: readonly Node[];
  /** Whether it calls `defineWorkflow`. */
  readonly definesWorkflows: boolean;
  /** The functions of this file that are passed to `defineWorkflow`. */
  readonly entries: readonly Node[];
  /** Tells specifiers of this package. */
  readonly classify: Classify;
  /** Whether an expression is a run's context. */
  isContext(node: Node | null): boolean;
  /**
   * The effect that a call requests from a context, such as `sleep`; undefined for any other call.
   */
  effectOf(node: Node | null): string | undefined;
  /** The name under which `./workflow` exports what an expression is; undefined for all else. */
  hostExport(node: Node | null): string | undefined;
}

const EFFECTS: ReadonlySet<string> = new Set([
  "activity",
  "child",
  "continueAsNew",
  "handlersDone",
  "lock",
  "run",
  "saga",
  "scope",
  "sleep",
  "startChild",
  "transaction",
  "until",
  "waitForSignal",
]);

/**
 * Reads a module.
 *
 * @param program The module.
 * @param classify Tells specifiers of this package.
 * @returns What was read.
 */
export function readWorkflowModule(program: Node, classify: Classify): WorkflowModule {
  const scopes = resolveNames(program);
  const nodes = descendants(program);
  const calls = nodes.filter((node) => node.type === "CallExpression");
  const contexts = new Set<Variable>();

  const variableOf = (node: Node | null): Variable | null | undefined => {
    const at = strip(node);
    return at?.type === "Identifier" ? scopes.resolve(at) : undefined;
  };

  const hostExport = (node: Node | null): string | undefined => {
    const at = strip(node);
    if (at?.type === "MemberExpression") {
      const holder = variableOf(child(at, "object"))?.from;
      const isHost = holder?.name === "*" && classify(holder.specifier) === "host";
      return isHost ? keyName(at) : undefined;
    }
    const from = variableOf(at)?.from;
    return from !== undefined && classify(from.specifier) === "host" ? from.name : undefined;
  };

  const isContext = (node: Node | null): boolean => {
    const variable = variableOf(node);
    return variable !== null && variable !== undefined && contexts.has(variable);
  };

  const entries: Node[] = [];
  const definitions = calls.filter((call) =>
    hostExport(child(call, "callee")) === "defineWorkflow"
  );
  for (const call of definitions) {
    const run = functionOf(list(call, "arguments")[1] ?? null, scopes);
    if (run === null) continue;
    entries.push(run);
    addParam(run, 0);
  }
  for (const node of nodes) {
    const variable = node.annotation === undefined ? undefined : scopes.declared(node);
    if (variable?.kind === "param" && isContextType(node)) contexts.add(variable);
  }
  // Helpers receive the context from functions that have it, so this repeats until nothing changes.
  for (let known = -1; known < contexts.size;) {
    known = contexts.size;
    for (const call of calls) {
      const given = list(call, "arguments");
      if (!given.some(isContext)) continue;
      const helper = functionOf(child(call, "callee"), scopes);
      given.forEach((node, index) => void (helper && isContext(node) && addParam(helper, index)));
    }
  }

  function addParam(fn: Node, index: number): void {
    const variable = paramOf(fn, index, scopes);
    if (variable !== undefined) contexts.add(variable);
  }

  function isContextType(node: Node): boolean {
    return list(program, "body").some((statement) =>
      statement.type === "ImportDeclaration" &&
      classify(String(child(statement, "source")?.["value"])) === "host" &&
      list(statement, "specifiers").some((item) =>
        child(item, "local")?.["name"] === node.annotation &&
        child(item, "imported")?.["name"] === "WorkflowContext"
      )
    );
  }

  return {
    program,
    scopes,
    nodes,
    definesWorkflows: definitions.length > 0,
    entries,
    classify,
    isContext,
    hostExport,
    effectOf(node) {
      const call = strip(node);
      if (call?.type !== "CallExpression") return undefined;
      const callee = strip(child(call, "callee"));
      if (callee?.type !== "MemberExpression" || !isContext(child(callee, "object"))) {
        return undefined;
      }
      const name = keyName(callee);
      return name !== undefined && EFFECTS.has(name) ? name : undefined;
    },
  };
}

/**
 * The variable that a function's parameter declares.
 *
 * @param fn The function.
 * @param index The parameter's place, from 0.
 * @param scopes What the module's names mean.
 * @returns The variable; undefined for a pattern, or if there is no such parameter.
 */
export function paramOf(fn: Node, index: number, scopes: Scopes): Variable | undefined {
  let param: Node | null = list(fn, "params")[index] ?? null;
  if (param?.type === "AssignmentPattern") param = child(param, "left");
  return param?.type === "Identifier" ? scopes.declared(param) : undefined;
}

/**
 * Whether a module imports `./workflow`. Looks at the top only, so that it is cheap to ask.
 *
 * @param program The module, as a plain tree or as the host gives it.
 * @param classify Tells specifiers of this package.
 * @returns Whether it does, for more than types.
 */
export function importsHost(program: Node, classify: Classify): boolean {
  return list(program, "body").some((statement) =>
    statement.type === "ImportDeclaration" && statement["importKind"] !== "type" &&
    classify(String(child(statement, "source")?.["value"])) === "host"
  );
}

function descendants(node: Node): Node[] {
  const found = [node];
  for (let index = 0; index < found.length; index += 1) found.push(...children(found[index]!));
  return found;
}
