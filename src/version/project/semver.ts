/**
 * The part of semantic versioning that workspaces, locks and `jsr:` roots need.
 *
 * @module
 */

type Version = readonly [major: number, minor: number, patch: number, pre: string];

const VERSION = /^v?(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/;

/**
 * Whether a version satisfies a range.
 *
 * @param version A whole version; any other text satisfies no range.
 * @param range `1.2.3`, `^1.2`, `~1.2.3`, `1.x`, `*`, `>=1 <3`, or several joined by `||`; a
 * pre-release satisfies only a range that names one of the same version.
 * @returns Whether it does.
 */
export function satisfies(version: string, range: string): boolean {
  const parsed = parseVersion(version);
  if (parsed === undefined) return false;
  return range.split("||").some((part) => {
    const terms = part.trim().replace(/([<>=^~]+)\s+/g, "$1").split(/\s+/);
    const bounds = terms.map(parseTerm);
    if (bounds.includes(undefined)) return false;
    const isPreNamed = parsed[3] === "" || terms.some((term) => {
      const named = parseVersion(term.replace(/^[<>=^~]+/, ""));
      return named !== undefined && named[3] !== "" &&
        compare(release(named), release(parsed)) === 0;
    });
    return isPreNamed && bounds.every((bound) => bound!(parsed));
  });
}

/**
 * The highest of some versions that satisfies a range.
 *
 * @param versions Whole versions.
 * @param range As for {@linkcode satisfies}; empty for any.
 * @returns The highest; `undefined` when none does.
 */
export function maxSatisfying(versions: readonly string[], range: string): string | undefined {
  return versions.filter((version) => satisfies(version, range))
    .sort((a, b) => compare(parseVersion(b)!, parseVersion(a)!))[0];
}

/**
 * A range in the form in which Deno writes it into a lock: the shortest that admits the same
 * versions. Imports have no other ranges than those with `^`, `~` and `x`.
 *
 * @param range The range as an import names it.
 * @returns The form; any other text unchanged.
 */
export function lockedRange(range: string): string {
  if (/^[xX*]?$/.test(range)) return "*";
  const match = /^([\^~]?)(\d+)(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?$/.exec(range);
  if (match === null) return range.replace(/^\^(0\.[1-9]\d*\.\d+-)/, "~$1");
  const [, operator, major] = match;
  const [minor, patch] = [match[3], match[4]].map((n) => /^\d+$/.test(n ?? "") ? n : undefined);
  if (minor === undefined) return major!;
  const isFull = patch !== undefined;
  switch (operator) {
    case "~":
      return !isFull || patch === "0" ? `${major}.${minor}` : range;
    case "^":
      if (isFull && major === "0" && minor === "0") return range;
      if (isFull && patch !== "0") return major === "0" ? `~0.${minor}.${patch}` : range;
      if (major === "0") return `0.${minor}`;
      return minor === "0" ? major! : `^${major}.${minor}.0`;
    default:
      return isFull ? range : `${major}.${minor}`;
  }
}

function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match === null || !/^\d+$/.test(match[2] ?? "") || !/^\d+$/.test(match[3] ?? "")) {
    return undefined;
  }
  return [Number(match[1]), Number(match[2]), Number(match[3]), match[4] ?? ""];
}

function parseTerm(term: string): ((version: Version) => boolean) | undefined {
  if (/^[xX*]?$/.test(term) || term === "latest") return () => true;
  const [, operator, rest] = /^([<>=^~]*)(.*)$/.exec(term)!;
  const match = VERSION.exec(rest!);
  if (match === null) return undefined;
  const given = [match[1], match[2], match[3]].findIndex((n) => n === undefined || !/^\d/.test(n));
  const [major, minor, patch] = [match[1], match[2], match[3]].map((n) => Number(n) || 0) as [
    number,
    number,
    number,
  ];
  const low: Version = [major, minor, patch, match[4] ?? ""];
  // The first version above all versions that a partial version stands for.
  const above: Version = given === 1
    ? [major + 1, 0, 0, "0"]
    : given === 2
    ? [major, minor + 1, 0, "0"]
    : [major, minor, patch + 1, "0"];
  const between = (high: Version) => (version: Version) =>
    compare(version, low) >= 0 && compare(version, high) < 0;
  switch (operator) {
    case "":
    case "=":
      return given === -1 ? (version) => compare(version, low) === 0 : between(above);
    case "~":
      return between(given === 1 ? above : [major, minor + 1, 0, "0"]);
    case "^":
      if (major > 0 || given === 1) return between([major + 1, 0, 0, "0"]);
      return between(minor > 0 || given === 2 ? [0, minor + 1, 0, "0"] : [0, 0, patch + 1, "0"]);
    case ">=":
      return (version) => compare(version, low) >= 0;
    case ">":
      return (version) => given === -1 ? compare(version, low) > 0 : compare(version, above) >= 0;
    case "<":
      return (version) => compare(version, low) < 0;
    case "<=":
      return (version) => given === -1 ? compare(version, low) <= 0 : compare(version, above) < 0;
    default:
      return undefined;
  }
}

function release([major, minor, patch]: Version): Version {
  return [major, minor, patch, ""];
}

function compare(a: Version, b: Version): number {
  for (const i of [0, 1, 2] as const) if (a[i] !== b[i]) return a[i] - b[i];
  if (a[3] === b[3]) return 0;
  if (a[3] === "" || b[3] === "") return a[3] === "" ? 1 : -1;
  const left = a[3].split(".");
  const right = b[3].split(".");
  for (let i = 0;; i++) {
    const [x, y] = [left[i], right[i]];
    if (x === undefined || y === undefined) return left.length - right.length;
    if (x === y) continue;
    const areNumbers = [x, y].map((part) => /^\d+$/.test(part));
    if (areNumbers[0] && areNumbers[1]) return Number(x) - Number(y);
    if (areNumbers[0] !== areNumbers[1]) return areNumbers[0] ? -1 : 1;
    return x < y ? -1 : 1;
  }
}
