/**
 * `.npmrc`: which registry has which packages, and how to authenticate there. The same settings that
 * Deno reads.
 *
 * @module
 */

import { variable } from "../../base/environment.ts";

const PUBLIC_REGISTRY = "https://registry.npmjs.org/";

/** Settings by key. */
export type Npmrc = ReadonlyMap<string, string>;

/**
 * Reads settings.
 *
 * @param text The text of a `.npmrc`.
 * @returns The settings; `${NAME}` stands for a variable of the environment.
 */
export function parseNpmrc(text: string): Npmrc {
  const settings = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = /^\s*([^;#=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const plain = /^"(.*)"$|^'(.*)'$/.exec(value);
    settings.set(expand(key), expand(plain?.[1] ?? plain?.[2] ?? value));
  }
  return settings;
}

/**
 * The registry of a package.
 *
 * @param settings Settings.
 * @param name The name of the package.
 * @returns The URL, with a slash at its end; `undefined`: the settings have no URL.
 */
export function registryOf(settings: Npmrc, name: string): URL | undefined {
  const scope = name.startsWith("@") ? settings.get(`${name.split("/")[0]}:registry`) : undefined;
  const text = scope ?? settings.get("registry") ??
    (variable("NPM_CONFIG_REGISTRY") || undefined) ??
    PUBLIC_REGISTRY;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url.protocol === "https:" || url.protocol === "http:" ? url : undefined;
}

/**
 * How to authenticate at a server of packages. It goes to no other server than the one
 * that the settings name.
 *
 * @param settings Settings.
 * @param url What is asked for.
 * @returns The header `authorization`; `undefined`: none.
 */
export function authorizationFor(settings: Npmrc, url: URL): string | undefined {
  for (let path = url.pathname;; path = path.slice(0, -1)) {
    const at = path.lastIndexOf("/");
    if (at < 0) return undefined;
    path = path.slice(0, at + 1);
    for (const place of [`//${url.host}${path}`, `//${url.host}${path.slice(0, -1)}`]) {
      const own = authorizationOf((key) => settings.get(`${place}:${key}`));
      if (own !== undefined) return own;
    }
  }
}

function authorizationOf(get: (key: string) => string | undefined): string | undefined {
  const [token, auth] = [get("_authToken"), get("_auth")];
  if (token) return `Bearer ${token}`;
  if (auth) return `Basic ${auth}`;
  const [username, password] = [get("username"), get("_password")];
  if (!username || !password) return undefined;
  try {
    return `Basic ${btoa(`${username}:${atob(password)}`)}`;
  } catch {
    return undefined; // it is not base 64
  }
}

function expand(text: string): string {
  return text.replace(/\$\{([^}]+)\}/g, (all, name: string) => variable(name) ?? all);
}
