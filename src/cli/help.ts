/**
 * The help of the program, of a group of commands, and of a command. It begins with examples.
 *
 * @module
 */

import { COMMANDS, GROUPS } from "./catalogue.gen.ts";
import type { Example, Listed } from "./command.ts";
import { ACTING_OPTIONS, GLOBAL_OPTIONS, type GlobalOption } from "./globals.ts";
import { argumentOf, optionOf } from "./notation.ts";

/** The program's name. */
export const PROGRAM = "continuum";

/** The fewest columns that help is written for. */
const LEAST_COLUMNS = 40;

/** How many examples of its commands the help of a group begins with. */
const GROUP_EXAMPLES = 3;

/** What someone does who has never used it. */
const FIRST_STEPS: readonly Example[] = [
  { text: "Create the tables, once", line: "migrate" },
  { text: "Execute the runs of a workflow module, until Ctrl-C", line: "worker order.ts" },
  {
    text: "Start a run of the workflow that the module names order, and wait for what it returns",
    line: `start order '{"items":3}' --id o-1 --wait`,
  },
  { text: "See what runs wait for", line: "runs list" },
];

const EXIT_CODES =
  `Exit codes: 0 done, 1 failed, 2 usage, 3 found something, 4 not found, 5 refused,
6 the awaited run did not complete, 7 database unavailable, 124 timeout, 130 interrupted
`;

/** A word and what it means. */
type Row = readonly [term: string, text: string];

/**
 * Writes help.
 *
 * @param path The words of a command or a group; none: the whole program.
 * @param columns How wide the text may be.
 */
export function helpOf(path: readonly string[], columns: number): string {
  const name = path.join(" ");
  const command = COMMANDS.find((each) => each.path === name);
  const below = rowsBelow(path);
  const shared: readonly Section[] = [
    ["Options", [...optionsOf(command, path), ["-h, --help", "print help"]]],
    ["Options of every command", globalsBeside(command)],
  ];
  const sections: readonly Section[] = [
    ["Arguments", command?.arguments?.map(([notation, text]) => [argumentOf(notation).name, text])],
    ...(command === undefined ? [] : shared),
    ["Commands", below],
    ...(command === undefined ? shared : []),
  ];
  const rows = sections.flatMap(([, rows = []]) => rows);
  const indent = 4 + Math.max(...rows.map(([term]) => term.length));
  const width = Math.max(columns, LEAST_COLUMNS);
  const parts = [
    examplesOf(path, command),
    `Usage: ${[PROGRAM, ...path].join(" ")} [options]${usageOf(command, below.length > 0)}\n`,
    `${summaryOf(path, command)}\n`,
    ...sections.filter(([, rows = []]) => rows.length > 0).map(([title, rows]) =>
      `${title}:\n${rows!.map((row) => laidOut(row, indent, width)).join("")}`
    ),
  ];
  if (command?.fields !== undefined) {
    parts.push(`Fields of --json and --fields: ${command.fields.join(", ")}\n`);
  }
  if (path.length === 0) parts.push(EXIT_CODES);
  return parts.join("\n");
}

type Section = readonly [title: string, rows: readonly Row[] | undefined];

function examplesOf(path: readonly string[], command: Listed | undefined): string {
  const examples = path.length === 0
    ? FIRST_STEPS
    : command?.examples ?? commandsBelow(path).slice(0, GROUP_EXAMPLES)
      .map(({ examples: [first] }) => first);
  return `Examples:\n${
    examples.map(({ text, line }) => `  # ${text}\n  ${PROGRAM} ${line}\n`).join("")
  }`;
}

function summaryOf(path: readonly string[], command: Listed | undefined): string {
  if (path.length === 0) return "Runs, versions and schedules of Continuum, from a command line.";
  return command?.summary ?? GROUPS[path[0]!]!;
}

function usageOf(command: Listed | undefined, hasCommands: boolean): string {
  const words = command?.arguments?.map(([notation]) => notation) ?? [];
  if (hasCommands) words.push(command === undefined ? "<command>" : "[command]");
  return words.map((word) => ` ${word}`).join("");
}

function commandsBelow(path: readonly string[]): readonly Listed[] {
  const start = path.map((word) => `${word} `).join("");
  return COMMANDS.filter((each) => each.path.startsWith(start));
}

/** The next words, each once; a group has a summary of its own. */
function rowsBelow(path: readonly string[]): readonly Row[] {
  const rows = new Map<string, string>();
  for (const { path: whole, summary } of commandsBelow(path)) {
    const [word, ...rest] = whole.split(" ").slice(path.length) as [string, ...string[]];
    if (!rows.has(word)) rows.set(word, rest.length === 0 ? summary : GROUPS[word]!);
  }
  return [...rows];
}

function optionsOf(command: Listed | undefined, path: readonly string[]): readonly Row[] {
  if (path.length === 0) return [["-V, --version", "print the version"]];
  const own = command?.options?.map(({ flags, text }): Row => [flags, text]) ?? [];
  return [...own, ...(command?.acts === undefined ? [] : ACTING_OPTIONS)];
}

/** An own option stands in for one of every command. */
function globalsBeside(command: Listed | undefined): readonly GlobalOption[] {
  const own = new Set(command?.options?.map(({ flags }) => optionOf(flags).long));
  return GLOBAL_OPTIONS.filter(([flags]) => !own.has(optionOf(flags).long));
}

/** A term, and beside it what it means, in as many lines as that takes. */
function laidOut([term, text]: Row, indent: number, columns: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1)!;
    const longer = last === "" ? word : `${last} ${word}`;
    if (last !== "" && indent + longer.length > columns) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  const [first, ...rest] = lines;
  return [`  ${term}`.padEnd(indent) + first, ...rest.map((line) => " ".repeat(indent) + line)]
    .map((line) => `${line}\n`).join("");
}
