/**
 * Choices of a viewer: colours and time zone, kept in cookies, so that they work without a script.
 *
 * @module
 */

import { type Given, type Parameter, textParameter, wordParameter } from "./parameters.ts";
import { UTC, ZONE, zoneOf } from "./time_parameters.ts";
import type { Preferences } from "./view.ts";

/** Cookies are kept for a year. */
const SECONDS = 31_536_000;

const THEME = "continuum_theme";
const ZONE_COOKIE = "continuum_zone";

const CHOSEN_THEME = wordParameter("theme", ["auto", "light", "dark"]);

/** Where to go after a choice. */
export const BACK: Parameter<string> = textParameter("back");

/** What the form of the choices has. */
export const CHOICES: readonly Parameter[] = [CHOSEN_THEME, ZONE, BACK];

/**
 * Reads the choices of a viewer.
 *
 * @param request The request.
 */
export function preferencesOf(request: Request): Preferences {
  const cookies = cookiesOf(request);
  return {
    theme: themeOf(cookies.get(THEME) ?? null),
    zone: zoneOf(decoded(cookies.get(ZONE_COOKIE) ?? "")) ?? UTC,
  };
}

/**
 * The headers that keep the choices of a form; what the form does not have stays.
 *
 * @param given The form.
 * @param path The path of the cookies; `null`: the browser derives it.
 */
export function cookiesFor(given: Given, path: string | null): string[] {
  const [theme, zone] = [given.one(CHOSEN_THEME), given.one(ZONE)];
  const attributes = `Max-Age=${SECONDS}; HttpOnly; SameSite=Strict` +
    (path === null ? "" : `; Path=${path}`);
  const kept: string[] = [];
  if (theme !== null) kept.push(`${THEME}=${theme}; ${attributes}`);
  if (zone !== null) kept.push(`${ZONE_COOKIE}=${encodeURIComponent(zone)}; ${attributes}`);
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

/** A cookie that a program has written may be encoded in any way. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
