/**
 * Choices of a viewer: colours and time zone, kept in cookies, so that they work without a script.
 *
 * @module
 */

import type { Fields } from "./fields.ts";
import type { Preferences } from "./view.ts";

/** Cookies are kept for a year. */
const SECONDS = 31_536_000;

const THEME = "continuum_theme";
const ZONE = "continuum_zone";

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
 * @param fields The form.
 * @param path The path of the cookies; `null`: the browser derives it.
 */
export function cookiesFor(fields: Fields, path: string | null): string[] {
  const [theme, zone] = [fields.text("theme"), fields.text("zone")];
  const attributes = `Max-Age=${SECONDS}; HttpOnly; SameSite=Strict` +
    (path === null ? "" : `; Path=${path}`);
  const kept: string[] = [];
  if (theme !== null) kept.push(`${THEME}=${themeOf(theme) ?? "auto"}; ${attributes}`);
  const known = zoneOf(zone);
  if (known !== null) kept.push(`${ZONE}=${encodeURIComponent(known)}; ${attributes}`);
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
