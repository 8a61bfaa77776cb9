/**
 * Small programs of every construct that an emitter has an opinion about. Each exports what it came
 * to, and calls `say` for what it did on the way.
 *
 * @module
 */

/** A program. */
export interface Program {
  /** The extension that it has. */
  readonly media: "js" | "jsx" | "ts" | "tsx";
  /** Its text. */
  readonly source: string;
}

const ENUMS = [
  `enum E { A, B, C } export default E;`,
  `enum E { A = 1, B, C = 10, D } export default E;`,
  `enum E { A = "a", B = "b" } export default E;`,
  `enum E { A = "a", B = A } export default [E, E.B];`,
  `enum E { A = 1, B = "b", C = 3, D } export default E;`,
  `enum E { A = 1 << 2, B = A | 1, C = ~B, D = -A, F = A ** 2, G = (A + B) * 2 } export default E;`,
  `enum E { A = "abc".length, B = Math.max(1, 2) } export default E;`,
  `enum E { "a-b" = 1, "c d" = 2, 'e' } export default [E, E["a-b"]];`,
  `enum E { A = \`t\`, B = \`\${A}u\`, C = "a" + "b" } export default E;`,
  `const enum E { A = 1, B = A + 1 } export default [E.A, E.B, E["A"]];`,
  `enum E { A = 1 } enum E { B = 2 } export default E;`,
  `enum E { A = 1 } namespace E { export const extra = E.A + 1; } export default E;`,
  `declare enum E { A } export default typeof E;`,
  `export enum E { A = 5 } export default E.A;`,
  `const n = 3; enum E { A = n, B = n * 2 } export default E;`,
  `enum A { X = 1 } enum B { Y = A.X, Z = A["X"] + 1 } export default B;`,
  `function f() { enum E { A } return E; } export default f() === f();`,
  `enum E { NaN = 0 / 0, Infinity = 1 / 0, A = -1 } export default E;`,
  `enum E { A } (E as any).A = 9; export default E.A;`,
  `export default (() => { try { return E.A } catch (e) { return e.name } })(); enum E { A = 2 }`,
  `enum E { A = 0x10, B = 0b11, C = 1e3, D = 1_000 } export default E;`,
  `enum E { A = 1, B = 1, C = A } export default [E, E[1]];`,
];

const NAMESPACES = [
  `namespace N { export const a = 1; export let b = a + 1; b++; } export default N;`,
  `namespace N { export function f() { return g(); } function g() { return 2; } } export default N.f();`,
  `namespace N { export class C { x = 1 } } export default new N.C();`,
  `namespace N { export namespace M { export const z = 3; } export const y = M.z; } export default N;`,
  `namespace A.B.C { export const d = 4; } export default A.B.C.d;`,
  `namespace N { export const a = 1; } namespace N { export const b = a; } export default N;`,
  `function N() { return 1; } namespace N { export const a = 2; } export default [N(), N.a];`,
  `class N {} namespace N { export const a = 2; } export default [N, N.a];`,
  `namespace N { export type T = 1; export interface I { a: 1 } } export default typeof N;`,
  `namespace N { say("ran"); } export default 1;`,
  `namespace N { export enum E { A = 7 } } export default N.E;`,
  `namespace N { export const { a, b: [c] } = { a: 1, b: [2] }; } export default N;`,
  `declare namespace N { const a: number; } export default typeof N;`,
  `namespace N { export import M = Math; export const x = M.abs(-1); } export default N.x;`,
  `import abs = Math.abs; export default abs(-2);`,
  `export namespace N { export var v = 1; export let w; w = v; } export default N;`,
];

/** Classes: every pair of a constructor and some fields. */
function classes(): string[] {
  const fields = [
    `y = this.x;`,
    `y = this.x * 2; z = this.y + 1;`,
    `y = 1; x2 = () => this.x;`,
    `y: number = (this.x as number);`,
    `static s = 5; y = P.s;`,
    `#p = this.x; y = this.#p;`,
    `"quoted name" = this.x; ["literal"] = 2; 3 = 4;`,
    `y = say("field");`,
    `y; z!: number; declare w: string;`,
    `y = x;`,
    `y = "a" /* ; } */ ; z = [1, 2] // ' }
     w = { a: 1 }`,
    `async m() { return this.y } y = this.x?.toString()`,
  ];
  const constructors = [
    ``,
    `constructor(x: number) { this.x = x; }`,
    `constructor(private x: number) {}`,
    `constructor(public x = 3, readonly k?: string) { say("body", x, this.x); }`,
    `constructor(protected readonly x: number) { say(Object.keys(this)); }`,
  ];
  const out: string[] = [];
  for (const field of fields) {
    for (const constructor of constructors) {
      const declared = constructor.includes("this.x = x") ? "x: number;" : "";
      const body = `${declared} ${field} ${constructor}`;
      const shown = `const p = new P(21); say(Object.keys(p)); export default [p, p.x2?.()];`;
      out.push(`const x = "outer"; class P { ${body} } ${shown}`);
      const derived = constructor.includes("{")
        ? body.replace(/constructor\(([^)]*)\) \{/, `constructor($1) { say("before"); super();`)
        : body;
      out.push(
        `const x = "outer"; class B { b = say("base"); } class P extends B { ${derived} } ${shown}`,
      );
    }
  }
  return out;
}

/** Constructors with parameter properties that call `super` anywhere. */
function superCalls(): string[] {
  const bodies = [
    `super();`,
    `say("before"); super(); say("after", this.y);`,
    `const r = super(); say(r === this, this.y);`,
    `if (x) { super(); } else super(1);`,
    `if (x) super(); else { super(1); say("else") }`,
    `(() => { super(); say("arrow", this.y) })();`,
    `const later = () => super(); later(); say(this.y);`,
    `say(super());`,
    `say((super(), this.y));`,
    `try { super(); } finally { say("finally", this.y) }`,
    `for (const i of [1]) super(i);`,
    `class Inner extends B { constructor() { super("inner"); } } new Inner(); super("outer");`,
    `super(); try { super(); } catch (e) { say(e.name) }`,
    `x ? super() : super(1);`,
    `super(say("argument"), this?.y);`,
    `super({ get a() { return 1 } }, class { m() { return super.toString } });`,
    `return Object.create(null);`,
    ``,
  ];
  return bodies.map((body) =>
    `class B { b = 1; constructor(...all) { say("base", all.length) } }
    class P extends B { y = this.x; z = () => this.x; constructor(readonly x: number) { ${body} } }
    let p; try { p = new P(2) } catch (e) { say(e.name) } export default [p, p?.z?.()];`
  );
}

/** Standard decorators on every kind of member. */
function decorators(): string[] {
  const dec = `const d = (name) => (value, context) => {
    say(name, typeof value, context.kind, context.name, context.static, context.private);
    context.addInitializer?.(function () { say("init", name); });
  };`;
  const members = [
    `@d("m") m() { return 1 }`,
    `@d("f") f = 1;`,
    `@d("g") get g() { return 1 }`,
    `@d("s") set s(v) {}`,
    `@d("a") accessor a = 1;`,
    `@d("sm") static sm() {}`,
    `@d("sf") static sf = say("static field");`,
    `@d("sa") static accessor sa = 2;`,
    `@d("pm") #pm() { return 2 } use() { return this.#pm() }`,
    `@d("pf") #pf = 3; read() { return this.#pf }`,
    `@d("1") @d("2") twice() {}`,
    `@d("c") ["computed" + 1]() {}`,
  ];
  const out = members.map((member) =>
    `${dec} @d("class") class C { ${member} } say("made"); const c = new C(); export default [C, c];`
  );
  for (const [i, first] of members.entries()) {
    const second = members[(i + 5) % members.length];
    out.push(
      `${dec} class C { ${first} ${second} constructor() { say("constructed") } } export default [C.name, new C()];`,
    );
  }
  out.push(
    `${dec} const C = @d("expression") class {}; export default C.name;`,
    `${dec} export default @d("default") class {}`.replace("export default", "const K =") +
      `; export default K.name;`,
    `${dec} @d("exported") export class C { static x = C.name } export default C.x;`,
    `${dec} export @d("after") class C {} export default C.name;`,
    `const double = (v, c) => (x) => x * 2; class C { @double f = 21; } export default new C();`,
    `const twice = (v, c) => function (...a) { return [v.apply(this, a), c.name] }; class C { @twice m(x) { return x } } export default new C().m(3);`,
    `const wrap = (C, c) => class extends C { extra = c.name }; @wrap class C { x = 1 } export default [new C(), C.name];`,
    `const log = ({ get, set }, c) => ({ get() { return get.call(this) + 1 }, set(v) { set.call(this, v * 2) }, init(v) { return v + 10 } }); class C { @log accessor a = 1 } const c = new C(); const first = c.a; c.a = 4; export default [first, c.a];`,
    `let access; const d = (v, c) => { access = c.access }; class C { @d f = 5 } const c = new C(); export default [access.has(c), access.get(c), (access.set(c, 6), c.f)];`,
    `const d = (v, c) => { c.metadata.seen = c.name }; class C { @d m() {} } export default Object.keys(C[Symbol.metadata ?? Symbol.for("Symbol.metadata")] ?? {});`,
  );
  return out;
}

const ERASED = [
  `const a = 1 as number; export default a satisfies number;`,
  `const x = 3 as unknown; export default (x as number < 5);`,
  `const f = <T,>(x: T): T => x; export default f<number>(1);`,
  `function f(a: string): string; function f(a: number): number; function f(a: any) { return a } export default f(1);`,
  `abstract class A { abstract m(): void; abstract p: number; n() { return 1 } } class B extends A { m() {} p = 2 } export default new B().n();`,
  `class A { declare x: number; y!: string; z?: number } export default Object.keys(new A());`,
  `let v: string | undefined; v ??= "set"; export default v!;`,
  `class A { private a = 1; protected b = 2; public c = 3; readonly d = 4; static readonly e = 5 } export default [new A(), A.e];`,
  `interface I { a: number } type T = I & { b: 1 }; const t: T = { a: 1, b: 1 }; export default t;`,
  `function f(this: { a: number }, b = 2) { return this.a + b } export default f.call({ a: 1 });`,
  `const f = (a?: number, ...rest: string[]): [number?, ...string[]] => [a, ...rest]; export default f(1, "b");`,
  `function isString(x: unknown): x is string { return typeof x === "string" } export default isString("a");`,
  `function check(x: unknown): asserts x { if (!x) throw new Error("no") } check(1); export default 1;`,
  `declare const gone: number; declare function gone2(): void; export default typeof gone;`,
  `declare global { interface Window { a: 1 } } export default 1;`,
  `class A<T extends object = {}> { constructor(public v?: T) {} static make<U extends object>(u: U) { return new A<U>(u) } } export default A.make({ a: 1 });`,
  `class A { [key: string]: unknown; a = 1 } export default new A();`,
  `class A implements Iterable<number> { *[Symbol.iterator]() { yield 1 } } export default [...new A()];`,
  `class A { m?(): void; get x(): number { return 1 } set x(v: number) {} } export default new A().x;`,
  `const o = { m<T>(this: unknown, a: T): T { return a } }; export default o.m(1);`,
  `type F = typeof import("./dep.ts"); export default 1;`,
  `const a = [1, 2, 3] as const; export default a.map((x): string => \`\${x}\`);`,
  `const f = async <T,>(x: Promise<T>) => await x; export default () => f(Promise.resolve(4));`,
  `let x: any = { y: { z: 1 } }; export default (x!.y as any)!.z as number;`,
  `for (const x of [1, 2] as number[]) say(x); export default 0;`,
  `try { throw new Error("e") } catch (e: unknown) { say((e as Error).message) } export default 0;`,
  `const f = function <T>(x: T) { return x }<number>; export default f(2);`,
  `class A { static { say(this.name) } static x: number = 1 } export default A.x;`,
  `class B { m() { return 1 } } class A extends B { override m(): number { return 2 } } export default new A().m();`,
  `export type { T } from "./dep.ts"; export default 1;`,
  `import type { T } from "./dep.ts"; const t: T = 1; export default t;`,
  `import { type T, value } from "./dep.ts"; const t: T = value; export default t;`,
  `import { T, value } from "./dep.ts"; const t: T = value; export default t;`,
  `import { T } from "./dep.ts"; const t: T = 5; export default t;`,
  `import def, { value as v } from "./dep.ts"; export default [def, v];`,
  `import * as ns from "./dep.ts"; export default Object.keys(ns);`,
  `import * as ns from "./dep.ts"; const t: ns.T = 1; export default t;`,
  `import { value } from "./dep.ts"; { const value = 2; say(value) } type V = typeof value; export default 1;`,
  `import "./dep.ts"; say("main"); export default 1;`,
  `export { value as default } from "./dep.ts";`,
  `export * from "./dep.ts"; export default 1;`,
  `export * as dep from "./dep.ts"; export default 1;`,
  `import { value } from "./dep.ts"; export { value }; export default value;`,
  `import { value } from "./dep.ts"; export default { value };`,
  `import data from "./data.json" with { type: "json" }; export default data;`,
  `export default async () => (await import("./data.json", { with: { type: "json" } })).default;`,
  `export default async () => (await import("./dep.ts")).value;`,
  `const dep = await import("./dep.ts"); say("after"); export default dep.value;`,
  `export default async () => { try { await import("./nope.ts") } catch (e) { return e.name } };`,
  `export default await Promise.resolve(7);`,
  `let a = 1; export { a as "string name" }; export default a;`,
  `var x = 1; { var x = 2 } export default x;`,
  `label: for (let i = 0; i < 3; i++) { for (;;) { if (i === 1) break label; continue label } } export default 1;`,
  `export default [1, , 3].length;`,
  `const { a, ...rest } = { a: 1, b: 2 }; export default [a, rest, { ...rest, c: 3 }];`,
  `export default [null ?? 1, (0 || null) ?? 2, ({} as any).a?.b?.[0]?.(), 2 ** 3 ** 2];`,
  `class A { #x = 1; static is(o: object) { return #x in o } } export default [A.is(new A()), A.is({})];`,
  `const tag = (s: TemplateStringsArray, ...v: unknown[]) => [s.raw, v]; export default tag\`a\\n\${1}b\`;`,
  `export default /(?<y>\\d+)/v.exec("a12")?.groups?.y;`,
  `export default (function () { return new.target }).call(undefined);`,
  `export default [1_000, 0b1, 0o7, 0xf, 10n, .5, 5.];`,
  `export default "\\u{1F600}\\x41\\0" + '\\'' + "\u2028";`,
  `async function* g() { yield 1; yield* [2, 3] } export default async () => { const out = []; for await (const x of g()) out.push(x); return out };`,
  `export default class Named { x = 1 }`.replace("export default class", "class") +
  ` export default new Named();`,
  `const f = () => {}; const g = function () {}; class K {} export default [f.name, g.name, K.name, (class {}).name];`,
  `export default (a => a)(1), 2;`.replace(", 2", ""),
  `debugger; export default 1;`,
  `export default typeof this;`,
  `export default (() => { "use strict"; try { return eval("1+1") } catch (e) { return e.name } })();`,
  `const o = { __proto__: { inherited: 1 }, get a() { return 2 }, async *m() {} }; export default [o.inherited, Object.keys(o)];`,
  `function f(a, b = a, { c } = { c: 3 }, [d] = [4]) { return [a, b, c, d] } export default f(1);`,
  `switch (3 as number) { case 1: say(1); case 3: say(3); default: say("d") } export default 0;`,
  `if (1) function hoisted() {} export default 1;`.replace(
    "if (1) function hoisted() {}",
    "if (1) { function hoisted() {} }",
  ),
  `throw new RangeError("thrown at the top");`,
  `import { nope } from "./dep.ts"; say(nope); export default 1;`,
  `export default (<any>1);`,
  `const x = <number>(<unknown>"5"); export default x;`,
];

/** Resources, plainly, and told apart by the microtasks that pass while they are disposed of. */
function resources(): string[] {
  const help = `const r = (name, fails = false) => ({
    [Symbol.dispose]() { say("dispose", name, this === undefined); if (fails) throw new Error(name) },
    async [Symbol.asyncDispose]() { say("begin", name); await 0; say("end", name); if (fails) throw new Error(name) },
  });
  const s = (name) => ({ [Symbol.dispose]() { say("sync", name); return new Promise(() => {}) } });
  const told = (e) => e instanceof SuppressedError ? [e.name, e.message, told(e.error), told(e.suppressed)] : [e.name, e.message];
  const ticks = async () => { for (let i = 0; i < 20; i++) { say("tick", i); await 0 } };`;
  const bodies = [
    `using a = r("a"), b = r("b"); say("body");`,
    `using a = r("a", true), b = null, c = r("c", true), d = undefined; throw new Error("body");`,
    `using a = r("a"); return say(a === undefined), 5;`,
    `await using a = r("a");`,
    `await using a = r("a"), b = r("b"); say("body");`,
    `await using a = r("a", true), b = r("b", true); throw new Error("body");`,
    `await using a = null; say("body");`,
    `await using a = null, b = undefined;`,
    `using a = r("a"); await using b = null; using c = r("c");`,
    `await using a = null; using b = r("b"); await using c = r("c");`,
    `await using a = s("a"), b = s("b");`,
    `using a = r("a"); await using b = s("b"); throw new Error("body");`,
    `using a = {};`,
    `await using a = {};`,
    `using a = 1;`,
    `await using a = { [Symbol.asyncDispose]: 1 };`,
    `using a = { get [Symbol.dispose]() { say("get"); return () => say("called") } }; say("body");`,
    `for (using a of [r("a"), null, r("b")]) { say("in", a === null); if (a === null) continue }`,
    `for (await using a of [r("a"), r("b")]) { say("in"); break }`,
    `for await (using a of [Promise.resolve(r("a")), r("b")]) say("in");`,
    `for await (await using a of [r("a"), null]) say("in");`,
    `for (using a = r("a"), b = r("b"); ;) { say("in"); break }`,
    `for (await using a = r("a"); ;) return say("in"), 7;`,
    `switch (1) { case 1: { using a = r("a"); say("one") } default: say("two") }`,
    `try { using a = r("a"); return 1 } catch { say("caught") } finally { say("finally") }`,
    `outer: for (const i of [1, 2]) { using a = r(i); for (;;) { using b = r("b"); continue outer } }`,
    `try { say(a); using a = r("a") } catch (e) { say(e.name, e.message) }`,
    `using a = r("a"); try { eval("a = 1") } catch (e) { say(e.name, e.message) }`,
    `using f = Object.assign(() => {}, { [Symbol.dispose]() { say(f.name) } }); say(f.name);`,
    `using C = class { static [Symbol.dispose]() { say("class", this.name) } }; say(C.name);`,
    `using f = (() => { function g() {} g[Symbol.dispose] = () => say("g"); return g })();`,
    `const fs = []; for (const i of [1, 2]) { using a = r(i); fs.push(() => a === undefined) } say(fs.map((f) => f()));`,
    `const using = [1], of = [r("of")]; say(using[0], using); for (using x of of) say("in"); using;`,
    `using using_ = r("a"), $using = r("b"), $using0 = r("c"); say("body");`,
    `using \\u0061b = r("a"); say(ab !== undefined);`,
    `using größe = r("ö"); for (using größe of [r("ß")]) say("in");`,
    `using a = r("a"); function later() { return a !== undefined } say(later());`,
    `const stack = new DisposableStack(); stack.use(r("a")); stack.defer(() => say("deferred")); using all = stack;`,
    `await using all = new AsyncDisposableStack(); all.use(r("a", true)); all.use(s("b")); all.defer(async () => { throw 1 });`,
    `class C { static { using a = r("static"); say("block") } m() { using b = r("method"); return 3 } } say(new C().m());`,
    `function* g() { using a = r("g"); yield 1; yield 2 } for (const x of g()) { say(x); break }`,
    `async function* g() { await using a = r("g"); yield 1 } for await (const x of g()) say(x);`,
    `const text = "using a = 1; const $using0 = 0, "; /* using b = 2 */ using a = r(text); say(/using x = 1/.source);`,
  ];
  const top = [
    `using top = r("top"); export { top }; export default typeof top;`,
    `await using top = r("top"); say("end"); export default 1;`,
    `await using a = null; using b = r("b"); export class K {} say(f()); function f() { return [b !== undefined, K.name] } export default K.name;`,
    `using a = r("a"); const { x } = { x: 1 }; enum F { A = 1 } namespace N { using b = r("b"); export const y = x } export default [F.A, N.y];`,
  ];
  return [
    ...bodies.map((body) => {
      const run = `const run = async () => { ${body}\n };`;
      const end =
        `run().then((v) => say("value", v), (e) => say("error", told(e))); await ticks(); return 1`;
      return `${help} ${run} export default async () => { ${end} };`;
    }),
    ...top.map((body) => {
      const shown = body.replace(
        /export default (.*);$/,
        "export default () => ticking.then(() => $1);",
      );
      return `${help} const ticking = ticks(); ${shown}`;
    }),
    `${help} using a = r("a", true); export default 1;`,
    `${help} using a = r("a"); throw new RangeError("thrown at the top");`,
    `{ using r = { [Symbol.dispose]() { say("disposed") } }; say("used"); } export default 1;`,
    `try { using r = { [Symbol.dispose]() { throw new Error("d") } }; throw new Error("body") } catch (e) { say(e.name, e.error?.message, e.suppressed?.message) } export default 1;`,
    `function f() { using r = null; return 1 } export default f();`,
    `{ using [a] = []; } export default 1;`,
    `{ using a; } export default 1;`,
    `function f() { await using a = null; } export default 1;`,
    `for (using a in {}); export default 1;`,
    `export using a = null; export default 1;`,
  ];
}

const JSX = [
  `<a/>`,
  `<a b="1" c='2' d={3} e/>`,
  `<a>text</a>`,
  `<a>{1}{"two"}</a>`,
  `<a> leading and trailing </a>`,
  `<a>
     lines
       {" "}
     more &amp; &#65; &nbsp;entities
   </a>`,
  `<a {...{ x: 1 }} y="2" {...{ z: 3 }}/>`,
  `<a key="k" ref="r"/>`,
  `<a key="k" {...{ x: 1 }}/>`,
  `<></>`,
  `<><a/><b/>text</>`,
  `<C x={1}><a/></C>`,
  `<N.M.C/>`,
  `<a-b c-d="e"/>`,
  `<svg:rect xlink:href="#"/>`,
  `<a b={<c/>}>{<d/>}{/* comment */}</a>`,
  `<a b=<c/>/>`,
  `<a>{...[1, 2]}</a>`,
  `<a>{[<b key="1"/>, <b key="2"/>]}</a>`,
  `<a b="quoted &quot; \\n"/>`,
  `<a b="over
    lines"/>`,
  `<a onClick={() => 1}>{(() => <b/>)()}</a>`,
  `<C>{(x) => <b>{x}</b>}</C>`,
  `[<a/>, <b/>].length`,
  `(<a>it's // not a comment /* nor this */</a>)`,
  `<a>{undefined}{null}{false}</a>`,
];
const AROUND = `const N = { M: { C: (p) => p } }; const C = (p) => p;`;
const CLASSIC =
  `/** @jsx h */ /** @jsxFrag F */ const F = "frag"; const h = (...all) => { say("h", all[0]); return all };`;

/** All programs that need no compiler options. */
export function plainPrograms(): Program[] {
  const out: Program[] = [];
  const held = resources();
  const typed = [
    ...ENUMS,
    ...NAMESPACES,
    ...classes(),
    ...decorators(),
    ...ERASED,
    ...held,
    ...superCalls(),
  ];
  for (const source of typed) {
    out.push({ media: "ts", source });
    const isAmbiguous = /<any>|<number>\(|<T>\(/.test(source);
    if (!isAmbiguous) out.push({ media: "tsx", source });
    if (!isAmbiguous) {
      out.push({ media: "tsx", source: `/** @jsx h */ const h = () => 1; ${source} void <a/>;` });
    }
  }
  for (const element of JSX) {
    for (const media of ["jsx", "tsx"] as const) {
      out.push({ media, source: `${CLASSIC} ${AROUND} export default ${element};` });
      const automatic =
        `/** @jsxRuntime automatic */ /** @jsxImportSource jsxlib */ import "./dep.ts"; ${AROUND}`;
      out.push({ media, source: `${automatic} export default ${element};` });
      out.push({
        media,
        source: `${AROUND} import React from "./react.ts"; export default ${element};`,
      });
    }
  }
  for (const source of held) {
    // What is more than types, and a constructor that is rewritten, make the compiler do all of it.
    out.push({ media: "ts", source: `enum E { A } ${source}` });
    out.push({
      media: "ts",
      source: `class P { y = this.x; constructor(readonly x: number) {} } ${source}`,
    });
    if (!/namespace/.test(source)) {
      out.push({ media: "js", source }, { media: "jsx", source });
    }
  }
  out.push({
    media: "tsx",
    source: `/** @jsxImportSource jsxlog */ import "./dep.ts"; say("main"); export default <a/>;`,
  });
  return out;
}

/** Programs for `experimentalDecorators`, with and without metadata. */
export function legacyPrograms(): Program[] {
  const dec =
    `import { T } from "./dep.ts"; const d = (...all: any[]): any => { say(all.length, typeof all[0], all[1], typeof all[2]) };`;
  const members = [
    `@d m(a: number, b: T): string { return "" }`,
    `@d f = 1;`,
    `@d static sf = say("static");`,
    `@d get g(): number { return 1 }`,
    `m(@d a: string, @d b?: T) {}`,
    `constructor(@d a: number, @d private b: string) {} y = this.b;`,
    `@d @d twice() {}`,
    `@d f: Map<string, number> = new Map(); constructor(readonly q = 1) {} z = this.q;`,
    `@d static async sm() {}`,
  ];
  return members.flatMap((member): Program[] => [
    {
      media: "ts",
      source: `${dec} @d class C { ${member} } export default [C.name, new C(1, "b")];`,
    },
    {
      media: "tsx",
      source: `${dec} class C { ${member} } export default [C.name, new C(1, "b")];`,
    },
  ]).concat([
    {
      media: "ts",
      source: `${dec} @d export class C { static self = () => C } export default C.self() === C;`,
    },
    {
      media: "ts",
      source:
        `const swap = (_: unknown): any => class Swapped {}; @swap class C {} export default C.name;`,
    },
    {
      media: "ts",
      source:
        `const Meta = []; (Reflect as any).metadata = (k, v) => { Meta.push([k, Array.isArray(v) ? v.map((x) => x?.name) : v?.name]); return () => {} }; const d = () => {}; class D { @d() m(a: D, b: string[]): Promise<void> { return null } } export default Meta;`
          .replace("const d = () => {}", "const d = () => () => {}"),
    },
  ]);
}

/** Files that the programs import. */
export const FILES: Readonly<Record<string, string>> = {
  "dep.ts":
    `say("dep"); export type T = number; export const value = 42; export default "dep default";`,
  "data.json": `{ "a": [1, 2] }`,
  "react.ts": `export default { Fragment: "F", createElement: (...all: unknown[]) => all };`,
  "jsx_log.ts": `say("runtime"); export const jsx = (...all: unknown[]) => all;`,
  "jsx_runtime.ts":
    `export const Fragment = "Frag"; export const jsx = (...all: unknown[]) => all; export const jsxs = (...all: unknown[]) => ["s", ...all];`,
  "jsx_base.ts": `export const createElement = (...all: unknown[]) => ["c", ...all];`,
};
