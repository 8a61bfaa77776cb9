/**
 * `versions show`.
 *
 * @module
 */

import type { VersionDetails } from "../../operate/versions.ts";
import { defineCommand } from "../command.ts";
import type { Output } from "../output/output.ts";
import { table } from "../output/table.ts";
import { facts } from "../output/words.ts";

/** Shows a version: its modules with their digests, and its packages. */
export const command = defineCommand({
  examples: [
    { text: "A version, by the first digits of its hash", line: "versions show 3f9a2c1" },
    { text: "Its packages, as JSON", line: "versions show 3f9a2c1 --json --fields packages" },
  ],
  arguments: [["<hash>", "the version's hash, or at least 4 digits of it"]],
  fields: [
    ...["hash", "workflow", "label", "current", "specifiers", "archived", "registeredAt"],
    ...["from", "unavailable", "entry", "members", "packages", "signatures"],
  ],
  async run({ args: [hash], read, out }) {
    const version = await read("versions.show", { hash: hash! });
    out.document(version, () => linesOf(version, out));
  },
});

function* linesOf(version: VersionDetails, out: Output): Iterable<string> {
  const { members, packages } = version;
  yield* facts([
    ["version", version.hash],
    ["workflow", version.workflow],
    ["label", version.label],
    ["current", version.current ? "yes" : "no"],
    ["registered", out.time(version.registeredAt)],
    ["archived", version.archived ? "yes" : "no"],
    ["source", version.specifiers.join(", ")],
    ["signed by", version.signatures.map(signatureOf).join(", ") || "no key"],
    [
      "code",
      version.from === null ? version.unavailable : `from the ${version.from}, bytes verified`,
    ],
  ]);
  if (members.length > 0) {
    yield "";
    const columns = [
      {
        title: "MODULE",
        id: true,
        cell: ({ label }: Member) => label === version.entry ? `${label} (root)` : label,
      },
      { title: "BYTES", right: true, cell: ({ bytes }: Member) => String(bytes) },
      {
        title: "SHA-256",
        cell: ({ sha256 }: Member) => out.isTerminal ? sha256.slice(0, 12) : sha256,
      },
    ] as const;
    yield* table(columns, members, out.isTerminal ? out.columns : Infinity);
  }
  if (packages.length > 0) yield* ["", "packages", ...packages.map((name) => `  ${name}`)];
}

function signatureOf({ key, verified }: VersionDetails["signatures"][number]): string {
  const says = verified === null ? "not verified here" : verified ? "verified" : "not valid here";
  return `key ${key} (${says})`;
}

type Member = VersionDetails["members"][number];
