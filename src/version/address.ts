/**
 * Network addresses that are not the public internet: loopback, private, link-local, and the like.
 *
 * @module
 */

/** IPv4 blocks as first address and prefix length. */
const BLOCKS: readonly (readonly [address: string, bits: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/**
 * Whether a host is not of the public internet, as far as its name alone tells.
 *
 * @param host The `hostname` of a URL: an IPv4 or bracketed IPv6 address, or a name.
 * @returns Whether it is private.
 */
export function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name === "" || name === "localhost" || /\.(localhost|local|internal)$/.test(name)) {
    return true;
  }
  return isPrivateAddress(name.replace(/^\[|\]$/g, ""));
}

/**
 * Whether a text is an address that is not of the public internet.
 *
 * @param address An IPv4 or IPv6 address; any other text is not.
 * @returns Whether it is private.
 */
export function isPrivateAddress(address: string): boolean {
  const v4 = parseV4(address);
  if (v4 !== undefined) return isPrivateV4(v4);
  const groups = parseV6(address);
  if (groups === undefined) return false;
  const [first, second] = groups as [number, number, ...number[]];
  const isEmbedded = groups.slice(0, 5).every((group) => group === 0) &&
    (groups[5] === 0 || groups[5] === 0xffff);
  const isTranslated = first === 0x64 && second === 0xff9b;
  // Unspecified, loopback and IPv4 addresses in IPv6 clothes.
  if (isEmbedded || isTranslated) return isPrivateV4(groups[6]! * 0x10000 + groups[7]!);
  if (first === 0x2002) return isPrivateV4(second * 0x10000 + groups[2]!);
  // Unique local, link-local, site-local, multicast, documentation.
  return (first & 0xfe00) === 0xfc00 || (first & 0xff80) === 0xfe80 || first >= 0xff00 ||
    (first === 0x2001 && second === 0xdb8);
}

function isPrivateV4(address: number): boolean {
  return BLOCKS.some(([start, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor(parseV4(start)! / size);
  });
}

function parseV4(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split(".").map(Number);
  return parts.every((part) => part < 256)
    ? parts.reduce((sum, part) => sum * 256 + part, 0)
    : undefined;
}

/** Eight groups. The URL parser spells addresses out: hexadecimal, at most one `::`. */
function parseV6(text: string): number[] | undefined {
  const bare = text.replace(/%.*$/, "");
  if (!bare.includes(":")) return undefined;
  let href: string;
  try {
    href = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  } catch {
    return undefined;
  }
  const [head, tail] = href.split("::");
  const groups = (part: string | undefined) =>
    part ? part.split(":").map((group) => Number.parseInt(group, 16)) : [];
  const before = groups(head);
  const after = groups(tail);
  return [...before, ...new Array(8 - before.length - after.length).fill(0), ...after];
}
