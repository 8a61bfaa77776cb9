/**
 * The coloured lines of modules. They are kept, since bytes with a digest never change.
 *
 * @module
 */

import type { MemberSource } from "../operate/versions.ts";
import { highlighted } from "./highlight.ts";
import type { Html } from "./html.ts";

/** How many modules are kept, those that were shown last. */
const KEPT = 50;

const MODULES = new Map<string, Promise<Html[]>>();

/**
 * Colours the lines of a module.
 *
 * @param source The module; it is a text.
 */
export async function colouredLines({ sha256, media, lines }: MemberSource): Promise<Html[]> {
  const key = `${media} ${sha256}`;
  const known = MODULES.get(key) ?? highlighted((lines ?? []).map(({ text }) => text), media);
  MODULES.delete(key);
  MODULES.set(key, known);
  if (MODULES.size > KEPT) MODULES.delete(MODULES.keys().next().value!);
  return await known;
}
