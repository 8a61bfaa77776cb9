/**
 * JSON with comments and trailing commas, as `deno.jsonc` and `deno.json` may have.
 *
 * @module
 */

/**
 * Reads JSON with comments.
 *
 * @param text The text; a byte order mark is skipped.
 * @returns The value.
 * @throws {SyntaxError} When it is neither JSON nor JSON with comments.
 */
export function parseJsonc(text: string): unknown {
  const body = text.replace(/^\uFEFF/, "");
  // One alternative for each token that may hide another: strings first, so that "//" in one stays.
  const plain = body
    .replace(
      /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
      (_, string: string | undefined) => string ?? " ",
    )
    .replace(
      /("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g,
      (_, string: string | undefined) => string ?? "",
    );
  return JSON.parse(plain);
}
