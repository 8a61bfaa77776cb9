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
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/**
 * Whether a host is outside of the public internet, judged by its name alone.
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
 * Whether a text is an address outside of the public internet.
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
  // An IPv4 address embedded in IPv6 is as private as by itself.
  const inner = embeddedV4(groups);
  if (inner !== undefined) return isPrivateV4(inner);
  return (first & 0xfe00) === 0xfc00 || // unique local
    (first & 0xff80) === 0xfe80 || // link-local, site-local
    first >= 0xff00 || // multicast
    first === 0x2001 && second < 0x200 || // Teredo and other protocols
    first === 0x2001 && second === 0xdb8 || first === 0x3fff || // documentation
    first === 0x64 && second === 0xff9b || // translation inside one network
    first === 0x100 && second === 0 || // discarded
    first === 0x5f00; // segment routing
}

/** The IPv4 address that is embedded in an IPv6 address. */
function embeddedV4(groups: readonly number[]): number | undefined {
  const at = (index: number) => groups[index]! * 0x10000 + groups[index + 1]!;
  const isZero = (from: number, to: number) => groups.slice(from, to).every((g) => g === 0);
  // Compatible `::a.b.c.d`, mapped `::ffff:a.b.c.d`, translated `::ffff:0:a.b.c.d`.
  const isMapped = isZero(0, 5) && (groups[5] === 0 || groups[5] === 0xffff);
  if (isMapped || isZero(0, 4) && groups[4] === 0xffff && groups[5] === 0) return at(6);
  // NAT64 `64:ff9b::/96`, ISATAP `...:0:5efe:a.b.c.d`, 6to4 `2002::/16`.
  if (groups[0] === 0x64 && groups[1] === 0xff9b && isZero(2, 6)) return at(6);
  if ((groups[4]! & ~0x200) === 0 && groups[5] === 0x5efe) return at(6);
  return groups[0] === 0x2002 ? at(1) : undefined;
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

/** Eight groups. The URL parser normalises addresses: hexadecimal, at most one `::`. */
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
