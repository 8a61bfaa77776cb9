/**
 * Finds a Chromium, for tests and pictures.
 *
 * @module
 */

import type { Browser } from "playwright-core";

const GIVEN = Deno.env.get("CHROMIUM");

/** The program: the one that `CHROMIUM` names, or Debian's. */
export const CHROMIUM: string = GIVEN ?? "/usr/bin/chromium";

/**
 * Whether it is there.
 *
 * @throws {Error} If `CHROMIUM` names a program that is not there.
 */
export async function findChromium(): Promise<boolean> {
  const isThere = await Deno.stat(CHROMIUM).then(() => true, () => false);
  if (isThere || GIVEN === undefined) return isThere;
  throw new Error(`Cannot use a browser: CHROMIUM names ${GIVEN}, which is not there`);
}

/**
 * Starts a Chromium.
 *
 * @returns The browser; the caller closes it.
 */
export async function startChromium(): Promise<Browser> {
  // Imported late: its packages are read by the runtime's own rules, which hooks of loaders change.
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"],
  });
}
