/**
 * A statement: its text, its parameters by name, and the type of its rows, all in one place.
 *
 * ```ts
 * const CLAIM = statement(
 *   { node: TEXT, limit: NUMBER },
 *   rows<{ readonly id: number }>(),
 *   `select id from {schema}.runs where node = $node limit $limit::integer`,
 * );
 * const { claim } = schema.prepare({ claim: CLAIM });
 * const claimed = await claim.query(session, { node, limit: 10 });
 * ```
 *
 * - PARAMETER-1: the names in a text and the declared names are the same. A name that only one of
 *   the two has throws when the module is loaded.
 * - PARAMETER-2: a text is compiled once, when the module is loaded. A call looks up its values by
 *   a list of names, and builds no text.
 * - PARAMETER-3: a name that stands in a text several times is one parameter. So a fragment that
 *   names its parameters can be included in any statement that declares them.
 *
 * @module
 */

import type { SqlSession, SqlValue } from "./driver.ts";
import type { Kind } from "./parameters.ts";

/** The declared parameters of a statement. */
type Kinds = Readonly<Record<string, Kind<never>>>;

/** The values that a caller passes for declared parameters. */
export type ValuesOf<Declared> = {
  readonly [Name in keyof Declared]: Declared[Name] extends Kind<infer Value> ? Value : never;
};

/** The arguments of a call: none if the statement has no parameters. */
type Arguments<Parameters> = keyof Parameters extends never ? [] : [parameters: Parameters];

/** Carries the type of a statement's rows. */
export interface Rows<Row> {
  /** Exists in types alone. */
  readonly row?: Row;
}

/** Any statement. */
// deno-lint-ignore no-explicit-any
export type AnyStatement = Statement<any, any>;

/** Statements by name, as {@linkcode SchemaName.prepare} returns them. */
export type Prepared<Statements> = {
  readonly [Name in keyof Statements]: Statements[Name] extends
    Statement<infer Parameters, infer Row> ? PreparedStatement<Parameters, Row> : never;
};

/**
 * States the type of a statement's rows.
 *
 * @returns A witness of the type.
 */
export function rows<Row>(): Rows<Row> {
  return {};
}

/** For statements whose rows the caller does not read. */
export const NO_ROWS: Rows<never> = {};

/**
 * Declares a statement.
 *
 * @param kinds Its parameters by name.
 * @param rows The type of its rows.
 * @param text SQL in which `$name` is a parameter and `{schema}` the schema.
 * @returns The statement.
 * @throws {Error} If the text names a parameter that is not declared, or does not name one that
 * is, or has a numbered parameter, a dollar-quoted string or a string with escapes.
 */
export function statement<const Declared extends Kinds, Row>(
  kinds: Declared,
  rows: Rows<Row>,
  text: string,
): Statement<ValuesOf<Declared>, Row> {
  return new Statement(kinds, rows, text);
}

/** A declared statement, with `{schema}` still open. */
export class Statement<Parameters, Row> {
  /** The statement with positional parameters. */
  readonly text: string;
  /** The names of the positional parameters, in their order. */
  readonly names: readonly string[];
  /**
   * Turns the value of each parameter into what the driver takes; `undefined` if it is that. An
   * empty list if all values are.
   */
  readonly writers: readonly (((value: never) => SqlValue) | undefined)[];
  readonly #source: string;

  /**
   * Compiles a statement; see {@linkcode statement}.
   *
   * @param kinds Its parameters by name.
   * @param _rows The type of its rows.
   * @param source Its text with names.
   */
  constructor(kinds: Kinds, _rows: Rows<Row>, source: string) {
    const { text, names } = compile(source);
    for (const name of names) {
      if (!Object.hasOwn(kinds, name)) throw fault(`it does not declare $${name}`, source);
    }
    for (const name in kinds) {
      if (!names.includes(name)) throw fault(`its text does not use $${name}`, source);
    }
    this.text = text;
    this.names = names;
    const writers = names.map((name) => kinds[name]!.write);
    this.writers = writers.some((write) => write !== undefined) ? writers : [];
    this.#source = source;
  }

  /**
   * Makes the statement ready for a schema.
   *
   * @param fill Puts the schema in; by default the text is left as it is.
   * @returns The statement, which a session can execute.
   */
  prepare(fill: (text: string) => string = (text) => text): PreparedStatement<Parameters, Row> {
    return new PreparedStatement(this, fill);
  }

  /** The same, with each parameter that is cast cast to `text` first. */
  withTextParameters(): string {
    return compile(this.#source, "::text").text;
  }
}

/** A statement that a session can execute. */
export class PreparedStatement<Parameters, Row> {
  /** The statement with positional parameters and the schema's name. */
  readonly text: string;
  readonly #names: readonly string[];
  readonly #writers: Statement<Parameters, Row>["writers"];
  readonly #fillTextual: () => string;
  #textual: string | undefined;

  /**
   * Fills the schema in.
   *
   * @param statement The statement.
   * @param fill Puts the schema in.
   */
  constructor(statement: Statement<Parameters, Row>, fill: (text: string) => string) {
    this.text = fill(statement.text);
    this.#names = statement.names;
    this.#writers = statement.writers;
    this.#fillTextual = () => fill(statement.withTextParameters());
  }

  /**
   * Executes the statement.
   *
   * @param session Where.
   * @param parameters Its parameters by name; left out if it has none.
   * @returns Its rows.
   */
  query(session: SqlSession, ...parameters: Arguments<Parameters>): Promise<Row[]> {
    const text = session.parametersAreText === true
      ? this.#textual ??= this.#fillTextual()
      : this.text;
    return session.query<Row>(text, this.#bind(parameters[0]));
  }

  /**
   * Puts the values of a call in order.
   *
   * @param parameters The parameters by name; left out if there are none.
   * @returns Their values, as the driver takes them, for the positions in `text`.
   */
  bind(...parameters: Arguments<Parameters>): SqlValue[] {
    return this.#bind(parameters[0]);
  }

  /** PARAMETER-2. */
  #bind(parameters: unknown): SqlValue[] {
    const given = parameters as Readonly<Record<string, never>>;
    const values: SqlValue[] = this.#names.map((name) => given[name]!);
    const writers = this.#writers;
    for (let index = 0; index < writers.length; index++) {
      const write = writers[index];
      if (write !== undefined && values[index] !== null) {
        values[index] = write(values[index] as never);
      }
    }
    return values;
  }
}

/** Parts of a text in which nothing is a parameter, and parameters. */
const TOKEN =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[^]*?\*\/|\b[eE]'|(?<![\w$])\$(\w*)(\$?)(?=(::)?)/g;

/** Gives names positions, in the order in which they first occur (PARAMETER-3). */
function compile(source: string, cast = ""): { text: string; names: string[] } {
  const names: string[] = [];
  const text = source.replace(TOKEN, (token, name?: string, quote?: string, isCast?: string) => {
    if (/^e'/i.test(token)) throw fault("a string with escapes is not understood", source);
    if (name === undefined) return token;
    if (quote !== "") throw fault("a dollar-quoted string is not understood", source);
    if (!/^[A-Za-z_]/.test(name)) throw fault(`$${name} is not a name`, source);
    let index = names.indexOf(name);
    if (index < 0) index = names.push(name) - 1;
    return `$${index + 1}${isCast === undefined ? "" : cast}`;
  });
  return { text, names };
}

function fault(what: string, source: string): Error {
  return new Error(`Cannot compile statement: ${what}, found ${source.trim().slice(0, 200)}`);
}
