/**
 * Makes `docs/errors.md` of the codes in `src/base/error_codes/`, the classes that have them and the
 * messages in the source. With `--check` it writes nothing, and fails if the page is out of date.
 *
 * @module
 */

import { EXPLANATIONS } from "../src/base/error_codes/explain.ts";
import type { ErrorCode } from "../src/base/error_codes/details.ts";

const ROOT = new URL("../", import.meta.url);
const PAGE = new URL("docs/errors.md", ROOT);

/** A source file. */
interface Source {
  readonly path: string;
  readonly text: string;
}

/** What the source says of a code. */
export interface FoundCode {
  readonly code: string;
  readonly className: string;
  readonly message: string;
}

async function sourcesIn(folder: URL): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory && name !== "error_codes") sources.push(...await sourcesIn(url));
    if (name.endsWith(".ts")) {
      sources.push({ path: url.pathname, text: await Deno.readTextFile(url) });
    }
  }
  return sources.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Messages of which the source has no whole text beside the code. */
const EXAMPLES: Partial<Record<ErrorCode, string>> = {
  DATABASE_OPTION: "Cannot use option database: found ..., wanted ...",
  INVALID_ARGUMENT: "Cannot use option ...: found ..., wanted ...",
  RUN_CANCELLED: "Run ... was cancelled: ...",
  RUN_TERMINATED: "Run ... was terminated: ...",
  SUBPROCESS_ENDED: "Cannot trace in a subprocess: the process ended with ...: ...",
  SUBPROCESS_FAILED: "Cannot trace in a subprocess: ...",
  SUBPROCESS_TIMEOUT: "Cannot trace in a subprocess: the code did not answer within ... s",
  SUBPROCESS_UNAVAILABLE: "Cannot start a subprocess: ...",
  TIMEOUT: "Cannot wait for signal ... any longer: it did not arrive within ...",
};

const CODE = /"([A-Z]+(?:_[A-Z]+)*)"/g;

/** The class of each code: a class names its codes, or a type that lists them. */
function classesIn(sources: readonly Source[]): Map<string, string> {
  const classes = new Map<string, string>();
  for (const { text } of sources) {
    for (
      const [header, name] of text.matchAll(/class (\w+)[^{}]*?extends ContinuumError<[^{]*\{/g)
    ) {
      const alias = /extends (\w+ErrorCode)\b/.exec(header!)?.[1];
      const listed = alias === undefined
        ? header!
        : new RegExp(`type ${alias} =([^;]*);`).exec(text)?.[1] ?? "";
      for (const [, code] of listed.matchAll(CODE)) {
        const other = classes.get(code!) ?? name!;
        if (other !== name) throw new Error(`${code} belongs to ${other} and to ${name}`);
        classes.set(code!, name!);
      }
    }
  }
  return classes;
}

/** A text that is put together of literals; what stands in for values is `...`. */
function literalAt(text: string, start: number): string | undefined {
  let message = "";
  let at = start;
  while (true) {
    while (/\s/.test(text[at] ?? "")) at++;
    const quote = text[at]!;
    if (!"\"'`".includes(quote)) break;
    for (at++; text[at] !== quote; at++) {
      if (text[at] === "\\") message += text[++at];
      else if (quote === "`" && text.startsWith("${", at)) {
        for (let depth = 0; at < text.length; at++) {
          if (text[at] === "{") depth++;
          if (text[at] === "}" && --depth === 0) break;
        }
        message += "...";
      } else message += text[at];
    }
    for (at++; /\s/.test(text[at] ?? "");) at++;
    if (text[at] !== "+") break;
    at++;
  }
  return /^[A-Z]\w* \S.* /.test(message) ? message : undefined;
}

function messageOf(code: string, className: string, sources: readonly Source[]): string {
  const places = sources.flatMap(({ text }) =>
    [...text.matchAll(new RegExp(`"${code}"`, "g"))].map(({ index }) => ({ text, index }))
  );
  for (const { text, index } of places) {
    const found = /^"[A-Z_]+",\s*(?:"[a-z]+",\s*|\w+,\s*)*/.exec(text.slice(index));
    const message = found && literalAt(text, index + found[0].length);
    if (message) return message;
  }
  for (const { text, index } of places) {
    for (const start of [`new ${className}(`, "const message =", "`Cannot "]) {
      const at = text.lastIndexOf(start, index);
      const message = at < 0 || index - at > 900
        ? undefined
        : literalAt(text, start.startsWith("`") ? at : at + start.length);
      if (message) return message;
    }
  }
  for (const { text } of sources) {
    const start = `new ${className}(`;
    for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
      const message = literalAt(text, at + start.length);
      if (message) return message;
    }
  }
  return "...";
}

/** Every code, its class and an example of its message, as the source has them. */
export async function findCodes(): Promise<FoundCode[]> {
  const sources = await sourcesIn(new URL("src/", ROOT));
  return [...classesIn(sources)].map(([code, className]) => ({
    code,
    className,
    message: EXAMPLES[code as ErrorCode] ?? messageOf(code, className, sources),
  }));
}

function pageOf(found: readonly FoundCode[]): string {
  const byCode = new Map(found.map((entry) => [entry.code, entry]));
  const entries = Object.entries(EXPLANATIONS).map(([code, { meaning, remedy }]) => {
    const entry = byCode.get(code);
    if (entry === undefined) throw new Error(`No class has the code ${code}`);
    const { className, message } = entry;
    return `## ${code}\n\n${meaning} **What to do:** ${remedy}\n\n` +
      `Class \`${className}\`. Message: ${
        message === "..." ? "of the code that throws it." : "\n\n```text\n" + message + "\n```"
      }\n`;
  });
  return `# Errors

Every error of this package has a stable \`code\`. Check it with \`isContinuumError\`, which also works
for an error of another copy of the package and for one that was read back from a history, where
\`instanceof\` does not:

\`\`\`ts ignore
import { isContinuumError } from "@continuum/continuum";

try {
  await run.result();
} catch (error) {
  if (!isContinuumError(error, "RUN_TIMEOUT")) throw error;
  console.log(error.details.timeout); // details have the type of the code
}
\`\`\`

Messages and \`details\` show ids, names and specifiers without secrets: a password in a URL becomes
\`***\`, and the query of a URL is left out. Control characters become escapes. \`details\` hold every
other id unchanged.

In messages, \`...\` stands for a value. \`tools/gen_errors.ts\` makes this page.

${entries.join("\n")}`;
}

/** The text of the page, formatted. */
export async function makePage(): Promise<string> {
  const format = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=md", "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = format.stdin.getWriter();
  await writer.write(new TextEncoder().encode(pageOf(await findCodes())));
  await writer.close();
  const { stdout } = await format.output();
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  const page = await makePage();
  if (!Deno.args.includes("--check")) await Deno.writeTextFile(PAGE, page);
  else if (page !== await Deno.readTextFile(PAGE).catch(() => "")) {
    // deno-lint-ignore no-console -- a command
    console.error("docs/errors.md is out of date: run deno run -A tools/gen_errors.ts");
    Deno.exit(1);
  }
}
