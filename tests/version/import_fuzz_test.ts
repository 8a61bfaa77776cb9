/**
 * Whatever stands around an `import`: each is found, becomes the loader's, and nothing that only
 * looks like one is touched. `CONTINUUM_FUZZ_PROGRAMS` sets how many programs are tried; a hundred
 * thousand take about half a minute on a quiet machine.
 *
 * @module
 */

import assert from "node:assert/strict";
import { findImports } from "../../src/version/imports/lex.ts";
import { rewriteImports } from "../../src/version/compile/rewrite.ts";
import { seededRandom } from "../support/seeded_random.ts";

const PROGRAMS = Number(Deno.env.get("CONTINUUM_FUZZ_PROGRAMS") ?? 3000);
const IMPORTER = "continuum:importer";

/** Where the word of a real import begins. */
const HERE = "\u{F0000}";

/** What may stand between any two tokens. */
const TRIVIA = [
  "",
  "",
  " ",
  "\t",
  "\n",
  "\r\n",
  "\u2028",
  "\u00a0",
  "\uFEFF",
  "/**/",
  "/* c */",
  "/* ) */",
  "/* import('x') */",
  "/*\n*/",
  "// import('x')\n",
  "// '\n",
  '/* " */',
  "/* ` */",
  " ".repeat(300),
  "/*" + "*".repeat(250) + "*/",
];

/** Expressions that look like imports, or fool a lexer about what follows. */
const DECOYS = [
  `"import('x')"`,
  `'import(\\'x\\')'`,
  "`import('x')`",
  "`${`import('x')`} import('y')`",
  "`\\${import('x')}`",
  "/import\\('x'\\)/",
  "/[/'\"`]import\\(/g",
  "/[/]'/.test('import(1)')",
  "1 / 2 / 3",
  "(1) / 2",
  "[1][0] / 2 / 1",
  "({ import: 1 }).import",
  "({ import() { return 1 } }).import(2)",
  "a?.import",
  "a.import",
  "(() => {}) / 1",
  "(function () {}) / 1 / 2",
  "({}).x / 1",
  "a++ / 2",
  "typeof /'/",
  "void /`/",
  '(a) ? /"/ : 1',
  "`a${{ b: '}' }.b}c${/`/.source}`",
  "import.meta.main",
  "1_0",
  "'\\u{69}mport(1)'",
  "new (class { import() {} static import = 1; #import = /'/ })()",
  "((a, b) => a < b, /import '/.source)",
];

/** Statements that do so. */
const STATEMENTS = [
  "if (a) /'/.test('');",
  "while (0) /\"/.test('');",
  "{ } /'/.test('');",
  "function f$() { } /`/.test('');",
  "l$: for (;;) break l$;",
  "const { import: i$ = 1 } = {};",
  "class C$ { import = 1; 'import' () {} }",
  "if (0) { } else /`/.test('');",
  "do /'/.test(''); while (0)",
  "a = a++ / 2; a = '/';",
  "try { } catch { } /'/.test('');",
  "import s$ from './s$.js';",
  "export * as e$ from './e$.js'",
  "import t$ from './t$.json' with { type: 'json' };",
  "export { v$ as 'import$' }; var v$;",
];

/** Around an expression. */
const FRAMES = [
  "%;",
  "void %;",
  "await %;",
  "(%);",
  "[%, %];",
  "`${%}`;",
  "`'${`\"${%}`}/`;",
  "({ a: %, [%]: 1 });",
  "a = % / 2;",
  "% .then(%);",
  "a ? % : %;",
  "a ?? %;",
  "() => %;",
  "async () => await %;",
  "if (%) /'/.test(%);",
  "for (const x of await %) %;",
  "class { static { % } x = %; [%] = 1 };",
  "a in %;",
  "!%;",
  "tag`${%}`;",
  "(a = %) => 1;",
  "%?.x;",
  "typeof % / 2 / %;",
];

class Generator {
  readonly #random: () => number;
  #count = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  program(frames = FRAMES, decoys = DECOYS): string {
    let out = "export {}; let a, b, tag;\n";
    const length = 1 + Math.floor(this.#random() * 4);
    for (let i = 0; i < length; i++) {
      const roll = this.#random();
      if (roll < 0.3) out += this.#pick(STATEMENTS).replaceAll("$", String(this.#count++));
      else {
        const frame = this.#pick(frames);
        const text = frame.replaceAll("%", () => this.#expression(decoys, 0));
        out += frame.startsWith("class") ? `a = ${text}` : text;
      }
      out += this.#pick([" ", "\n", "\n\n", "// '\n", "/* import( */\n"]);
      if (!/[;}]\s*$/.test(out)) out += ";\n";
    }
    return out;
  }

  #expression(decoys: readonly string[], depth: number): string {
    if (this.#random() < 0.3) return this.#pick(decoys);
    const inner = depth < 2 && this.#random() < 0.3
      ? this.#expression(decoys, depth + 1)
      : this.#pick(["'u'", "`u`", "`${a}`", "a", "/u'/", "a + 'u'", ...decoys]);
    const options = this.#random() < 0.2 ? `,${this.#trivia()}{ with: { type: "json" } }` : "";
    const comma = this.#random() < 0.1 ? "," : "";
    const t = () => this.#trivia();
    return `${HERE}import${t()}(${t()}${inner}${t()}${options}${comma}${t()})`;
  }

  #trivia(): string {
    let out = "";
    for (let n = Math.floor(this.#random() * 3); n > 0; n--) out += this.#pick(TRIVIA);
    return out;
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!;
  }
}

/** The program without its marks, and with every real import replaced by a name. */
function readMarks(program: string): { source: string; offsets: number[] } {
  const parts = program.split(HERE);
  const offsets: number[] = [];
  let at = 0;
  for (const part of parts.slice(0, -1)) offsets.push(at += part.length);
  return { source: parts.join(""), offsets };
}

Deno.test("every dynamic import becomes the loader's, and nothing else changes", async () => {
  const seed = Number(Deno.env.get("CONTINUUM_FUZZ_SEED") ?? 1);
  const generator = new Generator(seed);
  let imports = 0;
  for (let i = 0; i < PROGRAMS; i++) {
    const { source, offsets } = readMarks(generator.program());
    let rewritten: string;
    try {
      rewritten = (await rewriteImports(source, "continuum:///x.js", IMPORTER)).code;
    } catch (cause) {
      throw new Error(`seed ${seed}, program ${i} is no module:\n${source}`, { cause });
    }
    const [, name = "import"] = /\nimport (i.{5}) from "continuum:importer";$/.exec(rewritten) ??
      [];
    const end = name === "import" ? rewritten.length : rewritten.lastIndexOf("\nimport ");
    let expected = source;
    for (const at of offsets) expected = expected.slice(0, at) + name + expected.slice(at + 6);
    // Attributes of static imports are the one other thing that changes, in place.
    const plain = (text: string) =>
      text.replace(/(\\0j)?'(\s*with \{ type: 'json' \}|\s*)(?=;)/g, "'");
    assert.equal(plain(rewritten.slice(0, end)), plain(expected), `seed ${seed}, program ${i}`);
    assert.equal(name === "import", offsets.length === 0);
    imports += offsets.length;
  }
  assert.ok(imports > PROGRAMS);
});

Deno.test("every dynamic import is found where it stands, in every language", async () => {
  const seed = Number(Deno.env.get("CONTINUUM_FUZZ_SEED") ?? 2);
  const generator = new Generator(seed);
  const jsx = [
    "<p>import('x') it's {%} / " + "</p>;",
    "<a b={%} c='import(1)'>{/* import( */}</a>;",
  ];
  const typed = ["(% as any) < 5;", "(%)!;", "a as typeof import('x');", "% satisfies unknown;"];
  for (const media of ["js", "ts", "jsx", "tsx"] as const) {
    const frames = [...FRAMES];
    if (media.endsWith("x")) frames.push(...jsx, ...jsx, ...jsx);
    if (media.startsWith("t")) frames.push(...typed, ...typed);
    for (let i = 0; i < PROGRAMS / 4; i++) {
      const { source, offsets } = readMarks(generator.program(frames));
      const { imports } = await findImports(source, media, "test");
      assert.deepEqual(
        imports.filter(({ isDynamic }) => isDynamic).map(({ offset }) => offset),
        offsets,
        `seed ${seed}, ${media} program ${i}:\n${source}`,
      );
    }
  }
});
