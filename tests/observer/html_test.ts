/**
 * Templates of HTML, read back by a parser: what was put in comes back as text, and as nothing else.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type DefaultTreeAdapterTypes, parse, parseFragment } from "parse5";
import { printable } from "../../src/base/describe.ts";
import { type Content, html, joined } from "../../src/observer/html.ts";
import { linksFrom, placeHere, queryHere } from "../../src/observer/links.ts";
import { textOfSegment } from "../../src/base/url_segment.ts";
import { projectFiles } from "../support/project.ts";

type Node = DefaultTreeAdapterTypes.Node;

/** Texts that have broken out of pages elsewhere. */
const HOSTILE = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(1)>`,
  `' onmouseover='alert(1)`,
  `</textarea><script>alert(1)</script>`,
  `</title><svg onload=alert(1)>`,
  `<!--`,
  `-->`,
  `]]>`,
  `&lt;&#60;&amp;&quot;`,
  `&notit;`,
  "`${alert(1)}`",
  `javascript:alert(1)`,
  `\u202egnp.exe`,
  `\u0000<\u0001>\u001b[2J`,
  `\r\n\ttext\n`,
  `\n\nfirst lines`,
  `\ud800lone`,
  `../../../`,
  `a/b?c%d#e`,
  ``,
];

const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: fc.constantFrom(...`<>&"'\`=/!-;#x \n\r\t\0`, "script", "\u2028", "\u0085") }),
);

/** All nodes below a node, itself included. */
function* nodesOf(node: Node): Iterable<Node> {
  yield node;
  for (const child of "childNodes" in node ? node.childNodes : []) yield* nodesOf(child);
  if ("content" in node) yield* nodesOf(node.content);
}

function elementsOf(node: Node): DefaultTreeAdapterTypes.Element[] {
  return [...nodesOf(node)].filter((each) => "tagName" in each);
}

function textOf(node: Node): string {
  return [...nodesOf(node)].map((each) => "value" in each ? each.value : "").join("");
}

function attributesOf(node: DefaultTreeAdapterTypes.Element | undefined): Record<string, string> {
  return Object.fromEntries(node!.attrs.map(({ name, value }) => [name, value]));
}

/** What people are shown of a text: line breaks and tabs stay. */
function visible(text: string): string {
  return text.replace(/[^\n\t]+/g, printable);
}

Deno.test("whatever a text holds, a parser reads it back as that text, and no other element", () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, hostile, (text, title, value, area) => {
      const page = parse(
        html`
          <!doctype html>
          <html lang="en">
            <head>
              <title>${text}</title>
            </head>
            <body>
              <p title="for ${title}" data-id="${value}">${text}<b>${[text, text]}</b></p>
              <textarea name="t">${area}</textarea>
              <pre>${area}</pre>
            </body>
          </html>
        `.toString(),
      );
      const elements = elementsOf(page);
      assert.deepEqual(
        elements.map(({ tagName }) => tagName),
        ["html", "head", "title", "body", "p", "b", "textarea", "pre"],
      );
      const [, , head, , p, b, textarea, pre] = elements;
      assert.equal(textOf(head!), visible(text));
      assert.equal(textOf(b!), visible(text + text));
      assert.equal(textOf(p!), visible(text + text + text));
      assert.equal(textOf(textarea!), visible(area));
      assert.equal(textOf(pre!), visible(area));
      assert.deepEqual(attributesOf(p), {
        title: `for ${visible(title)}`,
        "data-id": value.toWellFormed().replaceAll("\0", "\ufffd"),
      });
      assert(![...nodesOf(page)].some(({ nodeName }) => nodeName === "#comment"));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("control characters and changes of direction are visible where people read", () => {
  const text = "a\u001b[31m\u202eb\u061c\u0000\r\n\td";
  const page = parseFragment(html`<i aria-label="${text}">${text}</i>`.toString());
  const shown = "a\\u001b[31m\\u202eb\\u061c\\u0000\\u000d\n\td";
  assert.equal(textOf(page), shown);
  assert.equal(attributesOf(elementsOf(page)[0])["aria-label"], shown);
});

Deno.test("HTML, arrays of it and nothing are values of an element", () => {
  const items: Content[] = [html`<li>1</li>`, [html`<li>2</li>`, "<3>"], null, undefined, false];
  assert.equal(
    html`<ul>${items}${4}${5n}${true}</ul>`.toString(),
    "<ul><li>1</li><li>2</li>&lt;3&gt;45</ul>",
  );
  assert.equal(joined(["a", html`<b>b</b>`, "c"], ", ").toString(), "a, <b>b</b>, c");
});

Deno.test("white space at the ends of a template is layout, and within it is kept", () => {
  const item = html`
    <b>a</b>
  `;
  assert.equal(`${html`<pre>${[item, item]}</pre>`}`, "<pre>\n<b>a</b><b>a</b></pre>");
  assert.equal(
    `${html`
      <i>${"x"}</i>
    `}`,
    "<i>x</i>",
  );
  assert.equal(`${html`${" "}a ${item} c`}`, " a <b>a</b> c");
  assert.equal(
    `${html`
      ${"\n a"}
    `}`,
    "\n a",
  );
});

Deno.test("an attribute of no value is left out, and an empty one is of true", () => {
  const of = (checked: Content, title: Content) =>
    html`<input checked="${checked}" title="${title}" />`.toString().replace(" />", ">");
  assert.throws(() => of(true, "t"), /does not close it/);
  const input = (checked: Content, title: Content) =>
    html`<input type="checkbox" checked="${checked}" title="${title}">`.toString();
  assert.equal(input(true, "a"), `<input type="checkbox" checked="" title="a">`);
  assert.equal(input(false, null), `<input type="checkbox">`);
  assert.equal(input(undefined, ""), `<input type="checkbox" title="">`);
});

Deno.test("nothing but the tag makes HTML: what looks like it is refused", () => {
  const real = html`<b>b</b>`;
  for (const false_ of [{ toString: () => "<b>" }, Object.create(real), new Map(), Symbol("s")]) {
    assert.throws(() => html`<p>${false_ as never}</p>`, TypeError);
  }
  assert.throws(() => html`<p title="${real}"></p>`, /HTML can't stand in the attribute title/);
  assert.throws(() => html`<title>${real}</title>`, /HTML can't stand in an element/);
});

Deno.test("a template with a value where it can't be escaped is refused at its first use", () => {
  const value = "x";
  const refused: readonly (() => unknown)[] = [
    () => html`<p title=${value}></p>`,
    () => html`<p title='${value}'></p>`,
    () => html`<p title=a></p>`,
    () => html`<p ${value}></p>`,
    () => html`<p ${value}="a"></p>`,
    () => html`<p data-${value}="a"></p>`,
    () =>
      html`
        <${value}>
          </p>
      `,
    () =>
      html`
        <p>
          </${value}>
      `,
    () =>
      html`
        <p${value}>
          </p>
      `,
    () => html`<script>${value}</script>`,
    () => html`<script>1</script>`,
    () => html`<style>${value}</style>`,
    () => html`<!-- ${value} -->`,
    () => html`<!--> ${value} -->`,
    () => html`<p style="${value}"></p>`,
    () => html`<p style="color: red"></p>`,
    () => html`<p onclick="${value}"></p>`,
    () => html`<p ONCLICK="f()"></p>`,
    () => html`<iframe srcdoc="${value}"></iframe>`,
    () => html`<img srcset="${value}">`,
    () => html`<a href="/runs/${value}"></a>`,
    () => html`<a href="javascript:alert(1)"></a>`,
    () => html`<a href="//elsewhere.example"></a>`,
    () => html`<p>${value}`,
    () => html`</p>${value}`,
    () => html`<p><b>${value}</p></b>`,
    () => html`<p title="a" title="${value}"></p>`,
    () => html`<textarea><b>${value}</b></textarea>`,
    () =>
      html`
        <div />${value}
      `,
    () => html`<p title="${value}`,
    () => html`a < ${value}`,
  ];
  for (const use of refused) assert.throws(use, /^TypeError: template of HTML: /, use.toString());
});

Deno.test("LINK-1: an attribute of a URL takes a link and nothing else", () => {
  const link = linksFrom("../")(["runs", "a"]);
  assert.equal(html`<a href="${link}">a</a>`.toString(), `<a href="../runs/a">a</a>`);
  for (const text of ["javascript:alert(1)", "https://elsewhere.example/", "/runs", ""]) {
    assert.throws(() => html`<a href="${text}">a</a>`, /string can't stand for a URL in href/);
    assert.throws(() => html`<form action="${text}"></form>`, TypeError);
  }
  assert.throws(
    () => html`<a href="${{ toString: () => "javascript:1" } as never}"></a>`,
    TypeError,
  );
  for (
    const base of ["https://elsewhere.example/", "//elsewhere.example/", "javascript:", "/ops"]
  ) {
    assert.throws(() => linksFrom(base), TypeError);
  }
});

Deno.test("LINK-2: ids and queries come back from links as they were", () => {
  const page = "https://host.example/ops/runs/x/timeline";
  fc.assert(
    fc.property(
      fc.oneof(hostile, fc.constantFrom(".", "..", "~", "~..", "%2e%2e", "")),
      hostile,
      hostile,
      (id, name, place) => {
        const markup = html`<a href="${linksFrom("../../")(["runs", id], { name }, place)}"></a>`;
        const [a] = elementsOf(parseFragment(markup.toString()));
        const url = new URL(attributesOf(a)["href"]!, page);
        assert.equal(url.origin, "https://host.example");
        const [, ops, runs, segment, ...more] = url.pathname.split("/");
        assert.deepEqual([ops, runs, more], ["ops", "runs", []]);
        assert.equal(textOfSegment(segment!), id.toWellFormed());
        assert.equal(url.searchParams.get("name"), name.toWellFormed());
        assert.equal(decodeURIComponent(url.hash), place === "" ? "" : `#${place.toWellFormed()}`);
      },
    ),
    { numRuns: 1_000 },
  );
  assert.equal(textOfSegment("%zz"), null);
});

Deno.test("links of the same page keep its path", () => {
  const at = (link: { toString(): string }) => new URL(link.toString(), "http://h/a/b?c=1#d").href;
  assert.equal(
    at(queryHere({ at: 3, all: false, x: true, n: ["1", "2"] })),
    "http://h/a/b?at=3&x=1&n=1&n=2",
  );
  assert.equal(at(queryHere({}, "L3")), "http://h/a/b?#L3");
  assert.equal(at(placeHere("order.ts:9")), "http://h/a/b?c=1#order.ts%3A9");
  assert.equal(at(linksFrom("./")([])), "http://h/a/");
});

Deno.test("HTML-1: no file of the observer but html.ts makes HTML of text, nor links but links.ts", async () => {
  const files = await projectFiles("src/observer", ".ts");
  assert(files.length >= 3);
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0;
    assert.equal(count(/\bnew Html\(/g), file.endsWith("/html.ts") ? 1 : 0, file);
    assert.equal(count(/\bnew Link\(/g), file.endsWith("/links.ts") ? 3 : 0, file);
    assert.doesNotMatch(
      text,
      /(?:inner|outer)HTML\s*\+?=[^=]|insertAdjacentHTML|document\.write/,
      file,
    );
  }
});
