/**
 * Which form of an answer a request wants.
 *
 * @module
 */

/** The forms of an answer. */
export type Form = "html" | "json";

/**
 * Which form a request prefers. Programs that accept anything get JSON, browsers HTML.
 *
 * @param accept The header `Accept`; `null`: there is none.
 */
export function formOf(accept: string | null): Form {
  const ranges = (accept ?? "*/*").split(",").map(rangeOf);
  const weight = (type: string) => ranges.find((range) => range.type === type)?.weight ?? 0;
  const html = Math.max(weight("text/html"), weight("application/xhtml+xml"));
  return html > 0 && html >= weight("application/json") ? "html" : "json";
}

function rangeOf(text: string): { readonly type: string; readonly weight: number } {
  const [type, ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="));
  return { type: type!, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
}
