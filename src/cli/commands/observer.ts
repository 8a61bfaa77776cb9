/**
 * `observer`: pages on which people look at runs, on this machine.
 *
 * @module
 */

import { serveObserver } from "../../observer/standalone.ts";
import { defineCommand } from "../command.ts";
import { CliError } from "../errors.ts";
import { refuse } from "../readers.ts";

interface Address {
  readonly hostname: string;
  readonly port: number;
}

interface Options {
  readonly listen?: Address;
  readonly readOnly?: boolean;
  readonly tokenFile?: string;
  readonly trust?: readonly string[];
}

/** Where it listens unless an option says otherwise. */
const HERE: Address = { hostname: "127.0.0.1", port: 4000 };

/** Serves the observer until it is stopped. */
export const command = defineCommand<Options>({
  examples: [
    { text: "Open the observer on this machine", line: "observer" },
    {
      text: "Look, and change nothing, on another port",
      line: "observer --read-only --listen 127.0.0.1:4100",
    },
  ],
  options: [
    {
      flags: "--listen <host:port>",
      text: "where it listens; 127.0.0.1:4000 if omitted",
      read: addressOf,
    },
    { flags: "--read-only", text: "change nothing" },
    {
      flags: "--token-file <file>",
      text: "a file with the token that opens it; needed beyond this machine",
    },
    {
      flags: "--trust <pattern>",
      text: "modules whose code may run here: forks and upgrades replay it",
      repeat: true,
    },
  ],
  fields: ["link", "address"],
  graceful: "serves",
  async run({ options, globals, client, out, signal }) {
    const { listen = HERE, readOnly, tokenFile, trust } = options;
    const token = tokenFile === undefined ? undefined : await tokenOf(tokenFile);
    await using served = serveObserver(await client(trust), {
      ...listen,
      by: globals.as,
      readOnly,
      token,
    });
    const { link, address } = served;
    out.document({ link, address }, () => [link]);
    if (token === undefined) out.note("the link works once; Ctrl-C stops the observer");
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
  },
});

async function tokenOf(file: string): Promise<string> {
  try {
    return (await Deno.readTextFile(file)).trim();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CliError("NOT_FOUND", `Cannot read the token: there is no file ${file}`);
  }
}

function addressOf(text: string, flag: string): Address {
  const [, hostname, digits] = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits ?? NaN);
  if (hostname === undefined || !(port <= 65_535)) {
    return refuse(flag, text, "host:port, such as 127.0.0.1:4000");
  }
  return { hostname, port };
}
