/**
 * Choices of a viewer: colours and time zone, kept in cookies, so that they work without a script.
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import { type Given, type Parameter, textParameter, wordParameter } from "./parameters.ts";
import type { Preferences } from "./view.ts";

/** Cookies are kept for a year. */
const SECONDS = 31_536_000;

const THEME = "continuum_theme";
const ZONE = "continuum_zone";

const CHOSEN_THEME = wordParameter("theme", ["auto", "light", "dark"]);
const CHOSEN_ZONE: Parameter<string> = {
  name: "zone",
  many: false,
  read: (text, what) =>
    zoneOf(text) ?? refuse(what, text, "the name of a time zone, such as Europe/Berlin"),
};

/** Where to go after a choice. */
export const BACK: Parameter<string> = textParameter("back");

/** What the form of the choices has. */
export const CHOICES: readonly Parameter[] = [CHOSEN_THEME, CHOSEN_ZONE, BACK];

/**
 * Reads the choices of a viewer.
 *
 * @param request The request.
 */
export function preferencesOf(request: Request): Preferences {
  const cookies = cookiesOf(request);
  return {
    theme: themeOf(cookies.get(THEME) ?? null),
    zone: zoneOf(cookies.get(ZONE) ?? null) ?? "UTC",
  };
}

/**
 * The headers that keep the choices of a form; what the form does not have stays.
 *
 * @param given The form.
 * @param path The path of the cookies; `null`: the browser derives it.
 */
export function cookiesFor(given: Given, path: string | null): string[] {
  const [theme, zone] = [given.one(CHOSEN_THEME), given.one(CHOSEN_ZONE)];
  const attributes = `Max-Age=${SECONDS}; HttpOnly; SameSite=Strict` +
    (path === null ? "" : `; Path=${path}`);
  const kept: string[] = [];
  if (theme !== null) kept.push(`${THEME}=${theme}; ${attributes}`);
  if (zone !== null) kept.push(`${ZONE}=${encodeURIComponent(zone)}; ${attributes}`);
  return kept;
}

/**
 * The cookies of a request, by name.
 *
 * @param request The request.
 */
export function cookiesOf(request: Request): ReadonlyMap<string, string> {
  const pairs = (request.headers.get("cookie") ?? "").split(";").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return [name.trim(), value.join("=").trim()] as const;
  });
  return new Map(pairs.reverse()); // of two with one name, the first is of the nearest path
}

function themeOf(text: string | null): Preferences["theme"] {
  return text === "dark" || text === "light" ? text : null;
}

/** The name of a time zone that the runtime knows. */
function zoneOf(text: string | null): string | null {
  if (text === null) return null;
  try {
    const zone = decodeURIComponent(text);
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}
