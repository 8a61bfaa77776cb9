/**
 * Reads the constant texts of a template of HTML, and finds out where its values stand.
 *
 * - TEMPLATE-1: a value stands in the text of an element or in a quoted attribute, or the template is
 *   refused when it is first used. It stands in no script, style, comment, name of a tag or of an
 *   attribute, no attribute that holds code or styles, and no unquoted attribute.
 * - TEMPLATE-2: a template closes every element that it opens, so that its values are inside of it.
 *
 * White space at the ends of a template is its layout in the code, and left out: a formatter moves
 * it. A value `" "` is a space.
 *
 * @module
 */

/** Where a value stands. */
export type Hole =
  /** In an element. `plain`: only text, as in a title. */
  | { readonly in: "element"; readonly plain: boolean }
  /** In a quoted attribute. `whole`: nothing else is in it, and the attribute may be left out. */
  | { readonly in: "attribute"; readonly name: string; readonly whole: boolean };

/** A template that was read. */
export interface Template {
  /** The constant texts; the start and the quotes of a `whole` attribute are left out of them. */
  readonly texts: readonly string[];
  /** Where the value after each text but the last one stands. */
  readonly holes: readonly Hole[];
}

/** Elements without content. */
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)$/;

/** Elements that a template may close in their own tag. */
const SELF_CLOSED = /^(?:circle|ellipse|line|path|polygon|polyline|rect|stop|use)$/;

/** Elements whose content a parser reads as text. */
const PLAIN = /^(?:title|textarea)$/;

/** Elements after whose tag a parser skips a line break. */
const SKIPS_BREAK = /^(?:pre|textarea)$/;

/** Attributes that hold code, styles or a document; the security policy forbids them as well. */
const FORBIDDEN = /^(?:on.*|style|srcdoc)$/;

/** Attributes that hold one URL. */
export const URL_ATTRIBUTE = /^(?:href|src|action|formaction)$/;

/** Attributes that hold URLs and that no page needs. */
const OTHER_URLS =
  /^(?:xlink:href|srcset|imagesrcset|poster|cite|data|ping|background|manifest|longdesc|usemap|codebase|profile|archive|classid)$/;

/** What a URL in a constant text begins with. */
const CONSTANT_URL = /^(?:https:\/\/|[#?]|\.{1,2}\/|\/(?!\/)|$)/;

/** Stands for a value; no template holds it, since it is no character. */
const HOLE = "\uffff";

/**
 * Reads a template.
 *
 * @param strings Its constant texts.
 * @throws {TypeError} If it breaks a rule of TEMPLATE-1 or TEMPLATE-2.
 */
export function readTemplate(strings: readonly string[]): Template {
  return new Reader(strings).read();
}

class Reader {
  readonly #text: string;
  readonly #holes: Hole[] = [];
  readonly #open: string[] = [];
  /** What has been read: as it will be sent, and with a {@linkcode HOLE} for each value. */
  #sent = "";
  #at = 0;

  constructor(strings: readonly string[]) {
    if (strings.some((text) => text.includes(HOLE))) throw new TypeError("no character: U+FFFF");
    this.#text = strings.join(HOLE).trim();
  }

  read(): Template {
    while (this.#at < this.#text.length) this.#content();
    if (this.#open.length > 0) this.#refuse(`<${this.#open.at(-1)}> is not closed`);
    return { texts: this.#sent.split(HOLE), holes: this.#holes };
  }

  /** Text, up to the next tag. */
  #content(): void {
    const [text] = this.#match(/[^<]*/y)!;
    const parent = this.#open.at(-1) ?? "";
    if (parent === "script" && text !== "") this.#refuse("a script has no content");
    for (const _ of text.matchAll(/\uffff/g)) {
      this.#holes.push({ in: "element", plain: PLAIN.test(parent) });
    }
    this.#sent += text;
    if (this.#at === this.#text.length) return;
    const comment = this.#match(/<!--(?:(?!--[!>])[^\uffff<>])*-->|<!doctype html>/iy);
    if (comment !== null) this.#sent += comment[0];
    else if (this.#text.startsWith("</", this.#at)) this.#endTag();
    else this.#startTag();
  }

  #endTag(): void {
    const [tag, name] = this.#match(/<\/([a-z][a-zA-Z0-9-]*)>/y) ?? this.#refuse("no end tag");
    const open = this.#open.pop();
    if (name !== open) this.#refuse(`</${name}> closes <${open ?? ""}>`);
    this.#sent += tag;
  }

  #startTag(): void {
    const [start, name = ""] = this.#match(/<([a-z][a-zA-Z0-9-]*)(?=[\s>/])/y) ??
      this.#refuse("no tag");
    if (name === "style") this.#refuse("styles are in a file of their own");
    if (PLAIN.test(this.#open.at(-1) ?? "")) this.#refuse("a tag in an element of text");
    this.#sent += start;
    const names = new Set<string>();
    for (let end = this.#endOfTag();; end = this.#endOfTag()) {
      if (end === null) this.#attribute(names);
      else return this.#opened(name, end);
    }
  }

  #endOfTag(): string | null {
    return this.#match(/\s*(\/?>)/y)?.[1] ?? null;
  }

  #opened(name: string, end: string): void {
    this.#sent += end;
    if (end === "/>" && !SELF_CLOSED.test(name)) this.#refuse(`<${name}/> does not close it`);
    if (end === "/>" || VOID.test(name)) return;
    this.#open.push(name);
    // A parser skips the first line break, which may be the first character of a value.
    if (SKIPS_BREAK.test(name) && this.#text[this.#at] === HOLE) this.#sent += "\n";
  }

  #attribute(names: Set<string>): void {
    const [space, name = ""] = this.#match(/\s+([a-zA-Z_][\w:.-]*)/y) ??
      this.#refuse("a value in a tag, outside of a quoted attribute");
    const lower = name.toLowerCase();
    if (names.has(lower)) this.#refuse(`${name} stands twice`);
    names.add(lower);
    if (FORBIDDEN.test(lower)) this.#refuse(`attribute ${name} holds code or styles`);
    if (this.#text[this.#at] !== "=") {
      this.#sent += space; // such as disabled
      return;
    }
    const [quoted, value = ""] = this.#match(/="([^"]*)"/y) ??
      this.#refuse(`the value of ${name} has no double quotes`);
    const count = value.split(HOLE).length - 1;
    const isUrl = URL_ATTRIBUTE.test(lower);
    const whole = value === HOLE;
    if (count > 0 && (OTHER_URLS.test(lower) || isUrl && !whole)) {
      this.#refuse(`${name} takes a whole link`);
    }
    if (count === 0 && isUrl && !CONSTANT_URL.test(value)) this.#refuse(`no URL for ${name}`);
    for (let index = 0; index < count; index++) {
      this.#holes.push({ in: "attribute", name, whole });
    }
    this.#sent += whole ? HOLE : `${space}${quoted}`;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }

  #refuse(what: string): never {
    const near = this.#text.slice(Math.max(0, this.#at - 40), this.#at + 40);
    throw new TypeError(`template of HTML: ${what}, near ${near.replaceAll(HOLE, "${...}")}`);
  }
}
