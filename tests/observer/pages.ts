/**
 * Reads pages of the observer back, as tests of pages need them.
 *
 * @module
 */

import { type DefaultTreeAdapterTypes, parse } from "parse5";
import type { Observed } from "./observed.ts";

type Node = DefaultTreeAdapterTypes.Node;

/** An element of a page. */
export type Element = DefaultTreeAdapterTypes.Element;

/**
 * The elements of a page that have a class, in its order.
 *
 * @param page The page.
 * @param name The class, or the name of a tag in angle brackets: `<tr>`.
 */
export function elements(page: string | Node, name: string): Element[] {
  const root = typeof page === "string" ? parse(page) : page;
  return [...nodesOf(root)].filter((node): node is Element => {
    if (!("tagName" in node)) return false;
    if (name.startsWith("<")) return node.tagName === name.slice(1, -1);
    return attribute(node, "class")?.split(" ").includes(name) ?? false;
  });
}

/** The text of a page, or of a part of it; white space is one space. */
export function text(node: Node): string {
  return rawText(node).replace(/\s+/g, " ").trim();
}

/** An attribute of an element; `null`: it has none. */
export function attribute(element: Element, name: string): string | null {
  return element.attrs.find((each) => each.name === name)?.value ?? null;
}

/** What the form of an action has, as a browser sends it when nothing is entered. */
export function fieldsOf(page: string): Record<string, string> {
  const [form] = elements(page, "deed");
  if (form === undefined) throw new Error("no form of an action");
  const sent = elements(form, "<input>").filter((input) =>
    !["checkbox", "radio"].includes(attribute(input, "type") ?? "") ||
    attribute(input, "checked") !== null
  );
  return Object.fromEntries(
    sent.map((input) => [
      attribute(input, "name")!,
      attribute(input, "value") ?? "",
    ]),
  );
}

/**
 * Does an action as a person does: looks at its page, fills the form in, and sends it.
 *
 * @param observed Sends the requests.
 * @param path The action.
 * @param entered What is entered besides what the form has.
 * @returns The answer to the form.
 */
export async function carriedOut(
  observed: Observed,
  path: string,
  entered: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const form = { ...fieldsOf(await observed.page(path)), ...entered };
  return await observed.ask(path.split("?")[0]!, { form });
}

/** The rows of the table with a caption: the texts of their cells. */
export function rowsOf(page: string, caption: string): string[][] {
  const found = elements(page, "<table>").find((each) =>
    elements(each, "<caption>").some((one) => text(one) === caption)
  );
  if (found === undefined) throw new Error(`no table ${caption}`);
  const [body] = elements(found, "<tbody>");
  return elements(body!, "<tr>").map((row) =>
    row.childNodes.filter((node): node is Element => "tagName" in node).map(text)
  );
}

/** The links of a page whose text holds a part. */
export function linksOf(page: string, part: string): string[] {
  return elements(page, "<a>").filter((link) => text(link).includes(part))
    .map((link) => attribute(link, "href") ?? "");
}

function rawText(node: Node): string {
  if ("value" in node) return node.value;
  return "childNodes" in node ? node.childNodes.map(rawText).join("") : "";
}

function* nodesOf(node: Node): Iterable<Node> {
  yield node;
  for (const child of "childNodes" in node ? node.childNodes : []) yield* nodesOf(child);
}
