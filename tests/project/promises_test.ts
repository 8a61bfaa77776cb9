/**
 * Holds BACKGROUND-1 of `base/background.ts`: no promise of `src` is left to itself but by way of it. Types
 * say what a promise is, so that no name of a function has to.
 *
 * @module
 */

import assert from "node:assert/strict";
import ts from "typescript";
import { PROJECT, projectFiles } from "../support/project.ts";

/** What may be left to itself: it never rejects. */
const NEVER_REJECT = ["inBackground"];

/** The one file that may leave promises to themselves. */
const OWNER = "src/base/background.ts";

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
  types: [],
};

/** Functions that call back, and take no answer; types of the runtime's own are not read. */
const CALL_BACK: ReadonlySet<string | undefined> = new Set([
  ...["setTimeout", "setInterval", "setImmediate", "immediate", "queueMicrotask", "nextTick"],
  ...["addEventListener", "on", "once"],
]);

function nameOf(called: ts.Expression): string | undefined {
  if (ts.isIdentifier(called)) return called.text;
  return ts.isPropertyAccessExpression(called) ? called.name.text : undefined;
}

const ASSIGNMENTS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
]);

/** `then(done, failed)`: the error has an owner, and the answer too. */
function hearsBoth(expression: ts.Expression): boolean {
  return ts.isCallExpression(expression) && expression.arguments.length === 2 &&
    ts.isPropertyAccessExpression(expression.expression) &&
    expression.expression.name.text === "then";
}

/** Finds promises without an owner. */
class Finder {
  readonly found: string[] = [];
  readonly #checker: ts.TypeChecker;
  readonly #nameOf: (file: ts.SourceFile) => string;

  constructor(program: ts.Program, nameOf: (file: ts.SourceFile) => string) {
    this.#checker = program.getTypeChecker();
    this.#nameOf = nameOf;
  }

  search(node: ts.Node): void {
    if (ts.isExpressionStatement(node)) this.#leave(node.expression);
    if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) this.#hand(node);
    ts.forEachChild(node, (child) => this.search(child));
  }

  /** An expression whose value is not used, or is only kept in a property. */
  #leave(expression: ts.Expression): void {
    const { SyntaxKind } = ts;
    if (ts.isVoidExpression(expression) || ts.isParenthesizedExpression(expression)) {
      return this.#leave(expression.expression);
    }
    if (ts.isConditionalExpression(expression)) {
      this.#leave(expression.whenTrue);
      return this.#leave(expression.whenFalse);
    }
    if (ts.isBinaryExpression(expression)) {
      const { operatorToken: { kind }, left, right } = expression;
      if (kind === SyntaxKind.CommaToken) this.#leave(left);
      const isKept = ASSIGNMENTS.has(kind);
      // A variable is for the lines that follow; a promise of one's own rejects when one says so.
      if (isKept && (ts.isIdentifier(left) || ts.isNewExpression(right) || hearsBoth(right))) {
        return;
      }
      return this.#leave(right);
    }
    const isWork = ts.isCallExpression(expression) || ts.isNewExpression(expression);
    if (!isWork || this.#neverRejects(expression)) return;
    if (this.#isPromise(this.#checker.getTypeAtLocation(expression))) this.#tell(expression);
  }

  /** A callback that returns a promise although its caller expects nothing. */
  #hand(callback: ts.ArrowFunction | ts.FunctionExpression): void {
    if (!ts.isCallExpression(callback.parent) || callback.parent.expression === callback) return;
    const type = this.#checker.getContextualType(callback);
    const [wanted] = type?.getNonNullableType().getCallSignatures() ?? [];
    if (wanted === undefined && !CALL_BACK.has(nameOf(callback.parent.expression))) return;
    const answer = wanted && this.#checker.getReturnTypeOfSignature(wanted);
    const isTaken = answer !== undefined && (answer.flags & ts.TypeFlags.Void) === 0;
    // Where the answer's type follows from the callback, as for `then`, it is taken.
    const said = wanted?.declaration?.type;
    if (isTaken || said !== undefined && said.kind !== ts.SyntaxKind.VoidKeyword) return;
    if (!ts.isBlock(callback.body)) return this.#leave(callback.body);
    const own = this.#checker.getSignatureFromDeclaration(callback);
    if (own && this.#isPromise(this.#checker.getReturnTypeOfSignature(own))) this.#tell(callback);
  }

  #neverRejects(call: ts.CallExpression | ts.NewExpression): boolean {
    return ts.isIdentifier(call.expression) && NEVER_REJECT.includes(call.expression.text);
  }

  #isPromise(type: ts.Type): boolean {
    const types = type.isUnion() ? type.types : [type];
    return types.some((each) => each.getProperty("then") !== undefined);
  }

  #tell(node: ts.Node): void {
    const file = node.getSourceFile();
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    const text = node.getText().replace(/\s+/g, " ").slice(0, 100);
    this.found.push(`${this.#nameOf(file)}:${line + 1}: ${text}`);
  }
}

function floating(files: ReadonlyMap<string, string>, host?: ts.CompilerHost): string[] {
  const program = ts.createProgram([...files.keys()], OPTIONS, host);
  const finder = new Finder(program, ({ fileName }) => files.get(fileName)!);
  for (const file of program.getSourceFiles()) {
    const name = files.get(file.fileName);
    if (name !== undefined && name !== OWNER) finder.search(file);
  }
  return finder.found;
}

Deno.test("BACKGROUND-1: no promise of src is left to itself, but by way of inBackground", async () => {
  const files = (await projectFiles("src", ".ts")).map((file) =>
    [decodeURIComponent(new URL(file, PROJECT).pathname), file] as const
  );
  assert(files.length > 100, "the test reads files");
  assert.deepEqual(floating(new Map(files)), []);
});

Deno.test("the test finds promises that are left, in every form", () => {
  const source = `
    declare function work(): Promise<void>;
    declare function inBackground(work: Promise<void>, failed: () => void): Promise<void>;
    declare function later(callback: () => void): void;
    declare function taken(callback: () => unknown): void;
    declare const immediate: any;
    const kept = { work: undefined as Promise<void> | undefined };
    work();
    void work();
    work().catch(() => {});
    work().then(() => {});
    kept.work ??= work();
    Math.random() < 1 && work();
    later(() => work());
    later(() => void work());
    later(async () => {});
    immediate(async () => {});
    setTimeout(() => work(), 1);
    inBackground(work(), () => {});
    kept.work = inBackground(work(), () => {});
    later(() => void inBackground(work(), () => {}));
    taken(async () => {});
    await work();
    export const mine = work();
    new Promise(() => {});
  `;
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === "/left.ts" || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === "/left.ts"
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ESNext, true)
      : getSourceFile(name, ...rest);
  const found = floating(new Map([["/left.ts", "left.ts"]]), host);
  assert.deepEqual(found.map((line) => Number(line.split(":")[1])), [
    ...[8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 25],
  ]);
});
