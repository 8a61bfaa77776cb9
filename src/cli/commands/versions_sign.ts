/**
 * `versions sign`: signs versions, and prints the signatures.
 *
 * @module
 */

import { isModule, standInWorkingFolder } from "../../operate/modules.ts";
import {
  type SignedVersion,
  signingKey,
  signModules,
  signNeeded,
  signRegistered,
} from "../../operate/sign.ts";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";

interface Options {
  readonly key?: string;
  readonly needed?: true;
  readonly workflow?: string;
  readonly live?: readonly string[];
  readonly config?: string;
}

/** Signs versions. */
export const command = defineCommand<Options>({
  examples: [
    {
      text: "In a pipeline: what the modules are now, and the workflows inside them",
      line: `versions sign "workflows/*.ts" --key release.pem > workflows.signatures`,
    },
    {
      text: "With a new key, what runs need and a trusted key has signed",
      line:
        "versions sign --needed --keys keys.txt --key new.pem | continuum versions add-signatures -",
    },
  ],
  arguments: [["[code...]", "paths, URLs and patterns of workflow modules, or versions' hashes"]],
  options: [
    {
      flags: "--key <file>",
      text: "the private key in PEM; CONTINUUM_SIGNING_KEY may hold its text instead",
    },
    {
      flags: "--needed",
      text: "every registered version that runs and schedules need; with --keys, that they signed",
    },
    {
      flags: "--workflow <name>",
      text: "the workflow's name, for a module that can't be imported without permissions",
    },
    { flags: "--live <module>", text: "a module that the worker has as --live", repeat: true },
    { flags: "--config <file>", text: "the deno.json of the workflow modules" },
  ],
  fields: ["key", "signatures"],
  async run({ args: codes, options, client, out }) {
    const { key: file, needed = false, workflow, live, config } = options;
    if (needed === (codes.length > 0)) {
      throw new UsageError(
        "Cannot sign: found " + (needed ? "both versions and --needed" : "nothing to sign") +
          ", wanted modules, hashes or --needed",
      );
    }
    const modules = codes.filter(isModule);
    const hashes = codes.filter((code) => !isModule(code));
    if (workflow !== undefined && (codes.length !== 1 || hashes.length > 0)) {
      throw new UsageError("Cannot use --workflow: wanted one module, whose workflow it names");
    }
    const key = await signingKey(file);
    standInWorkingFolder();
    const { signatures: ofNeeded, leftOut } = needed
      ? await signNeeded(await client(), key)
      : { signatures: [], leftOut: [] };
    const signatures: SignedVersion[] = [
      ...await signModules(modules, key, { workflow, live, config }),
      ...hashes.length > 0 ? await signRegistered(await client(), hashes, key) : [],
      ...ofNeeded,
    ];
    out.document({ key: key.public.id, signatures }, () => signatures.map(({ line }) => line));
    for (const { workflow, hash } of signatures) out.note(`signed ${workflow} ${hash}`);
    for (const { workflow, hash } of leftOut) {
      out.note(`left out ${workflow} ${hash}, which no key of --keys has signed`);
    }
    if (signatures.length > 0) out.note(`by key ${key.public.id}`);
    else if (leftOut.length === 0) out.note("no run and no schedule needs a version");
  },
});
