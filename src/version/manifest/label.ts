/**
 * Labels: the names of modules inside a manifest, the same wherever the graph is served from.
 *
 * A URL with the root's origin is labelled by its path from the root's folder, always with a
 * leading `./` or `../`; any other by itself. Credentials never appear.
 *
 * @module
 */

/** A path segment that no specifier can contain; stands for the folders above the root's. */
const ABOVE = "%F4%8F%BF%BF%C2%80";

/**
 * The form in which URLs are compared and recorded: normalised, without credentials.
 *
 * @param url An absolute URL.
 * @returns The normalised text.
 * @throws {TypeError} When it is not an absolute URL.
 */
export function normaliseUrl(url: string): string {
  const parsed = new URL(url);
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}

/**
 * The form in which manifests record a specifier: credentials removed from a URL, anything else
 * unchanged.
 *
 * @param specifier A requested specifier.
 * @returns The recorded form.
 */
export function recordedSpecifier(specifier: string): string {
  if (!/^\s*https?:/i.test(specifier) || !specifier.includes("@") || !URL.canParse(specifier)) {
    return specifier;
  }
  const { username, password } = new URL(specifier);
  return username === "" && password === "" ? specifier : normaliseUrl(specifier);
}

/**
 * Whether a specifier is resolved against the importer's own URL: it starts with `./` or `../`.
 *
 * @param specifier A requested specifier.
 * @returns Whether it is.
 */
export function isRelative(specifier: string): boolean {
  return specifier.startsWith("./") || specifier.startsWith("../");
}

/**
 * The label of a URL.
 *
 * @param url An absolute URL.
 * @param root The URL of the root module, redirects followed.
 * @returns The label.
 */
export function labelOf(url: string, root: string): string {
  const target = new URL(normaliseUrl(url));
  const base = new URL(root);
  const isSameOrigin = target.protocol === base.protocol && target.host === base.host &&
    /^(https?|file):$/.test(target.protocol);
  return isSameOrigin ? relativePath(base, target) : target.href;
}

/**
 * The URL that a label names.
 *
 * @param label A label.
 * @param root The URL of the root module, redirects followed.
 * @returns The absolute URL.
 */
export function labelUrl(label: string, root: string): string {
  return isRelative(label) ? new URL(label, root).href : label;
}

/**
 * A root to resolve labels against if the real root's folders are unknown: it is in as many
 * nameless folders as the labels climb.
 *
 * @param labels The labels of one manifest.
 * @returns The URL.
 */
export function standInRoot(labels: readonly string[]): string {
  const depth = labels.reduce((most, label) => Math.max(most, countUps(label)), 0);
  return `https://unknown.invalid/${`${ABOVE}/`.repeat(depth)}root`;
}

/**
 * Resolves a relative specifier with labels alone, as every node can without knowing any URL.
 *
 * @param from The label of the importing member.
 * @param specifier The requested specifier.
 * @returns The label it leads to; `undefined` if it is not relative, or can't be resolved.
 */
export function resolveLabel(from: string, specifier: string): string | undefined {
  if (!isRelative(specifier)) return undefined;
  if (!isRelative(from)) {
    return URL.canParse(specifier, from) ? normaliseUrl(new URL(specifier, from).href) : undefined;
  }
  const depth = countUps(from) + countUps(specifier) + 1;
  const root = `http://label/${`${ABOVE}/`.repeat(depth)}root`;
  const resolved = new URL(specifier, new URL(from, root));
  return relativePath(new URL(root), resolved);
}

/** At least the number of folders that `path` can climb, `%2e` and back slashes included. */
function countUps(path: string): number {
  return path.match(/(\.|%2e)\s*(\.|%2e)/gi)?.length ?? 0;
}

function relativePath(base: URL, target: URL): string {
  const from = base.pathname.split("/").slice(1, -1);
  const to = target.pathname.split("/").slice(1);
  let shared = 0;
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared++;
  const ups = from.length - shared;
  const path = to.slice(shared).join("/");
  // From `href`: `search` and `hash` do not distinguish an empty one, which makes another module.
  const rest = /[?#].*$/s.exec(target.href)?.[0] ?? "";
  return `${ups === 0 ? "./" : "../".repeat(ups)}${path}${rest}`;
}

/**
 * Converts a label to a path: `./a/b.ts` is `a/b.ts`; anything else is encoded, so that URL parsing
 * does not normalise it. Different labels have different paths, since a leading `./` is never
 * encoded.
 *
 * @param label A member's label.
 * @returns The path, below a version's hash.
 */
export function labelPath(label: string): string {
  if (!label.startsWith("./")) return encodeURIComponent(label);
  return label.slice(2).split("/").map((part) => part === "" ? "%2F" : encodeURIComponent(part))
    .join("/");
}

/**
 * The member that a URL of executed code belongs to. Deno decodes the URLs in stacks once, so what
 * {@linkcode labelPath} encoded is as the label has it.
 *
 * @param url A URL of a stack.
 * @returns The member's label; `null` when no version was executed under that URL.
 */
export function memberOf(url: string): string | null {
  const [, path] = /^continuum:\/\/\/[0-9a-f]{64}(?:~\d+)?\/(.*)$/s.exec(url) ?? [];
  return path === undefined ? null : labelAt(path.replace(/\?(?:json|text|bytes)$/, ""));
}

/** The inverse of {@linkcode labelPath}, whose result was decoded. */
function labelAt(path: string): string {
  if (/^(?:\.\.\/|[a-z][a-z0-9+.-]*:)/i.test(path)) return path;
  return `./${path.replaceAll("///", "//").replace(/\/\/$/, "/")}`; // a nameless folder was %2F
}
