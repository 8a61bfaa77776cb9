/**
 * The replay subprocess: code that another process doesn't trust, or that may hang, is replayed
 * here, without any permission. It reads questions from standard input and answers on standard
 * output (see `protocol.ts`).
 *
 * @module
 */

import "../replay/installed.ts"; // GUARD-1, before anything else
import "../workflow/mod.ts"; // the host of the versions: a dynamic import needs a permission

import { isContinuumError } from "../base/errors.ts";
import { messageOf } from "../base/text.ts";
import { probeDrain } from "../replay/drain.ts";
import { workflowsInside } from "../version/child_versions.ts";
import { readDefinition } from "../version/definition.ts";
import { Loader } from "../version/load/loader.ts";
import { VersionPackages } from "../version/packages/version_packages.ts";
import { VerifiedManifest } from "../version/manifest/verified.ts";
import type { Answer, Calls, CodeMessage, Hello, Question } from "./protocol.ts";
import { type ProvenCode, proveOn } from "./proof.ts";
import { queryOn } from "./query.ts";
import { traceOn } from "./trace.ts";

const { stdin, stdout } = Deno;
const { parse, stringify } = JSON;
const drain = await probeDrain();
let code: ProvenCode | undefined;

const HANDLERS: {
  readonly [Name in keyof Calls]: (
    argument: Calls[Name]["asks"],
  ) => Promise<Calls[Name]["answers"]>;
} = {
  load: async (message) => {
    code = await load(message);
    const inside = [...workflowsInside(code)]
      .map(([{ name: workflow }, labels]) => ({ workflow, labels }));
    return { workflow: code.definition.name, inside };
  },
  trace: async (request) => await traceOn(loaded().definition, request, drain),
  query: async (request) => await queryOn(loaded().definition, request, drain),
  prove: async ({ runs, trace }) => {
    const proofs = [];
    for (const run of runs) proofs.push(await proveOn(loaded(), run, { drain, trace }));
    return proofs;
  },
};

function loaded(): ProvenCode {
  if (code === undefined) throw new Error("no version is loaded");
  return code;
}

async function load({ hash, manifest, bytes, packages }: CodeMessage): Promise<ProvenCode> {
  const verified = Object.entries(bytes).map(([sha256, text]) =>
    [sha256, Uint8Array.fromBase64(text)] as const
  );
  const known = VerifiedManifest.verify(manifest, hash, "the manifest of a version");
  const { entry, members: modules } = await new Loader().load({
    manifest: known,
    bytes: new Map(verified),
    packages: packages && VersionPackages.received(known.content, packages),
  });
  return { definition: readDefinition(entry, `version ${hash}`), modules };
}

async function answer({ call, argument }: Question): Promise<Answer> {
  try {
    return { value: await HANDLERS[call](argument as never) };
  } catch (error) {
    const code = needsPermission(error)
      ? "PERMISSION_DENIED"
      : isContinuumError(error)
      ? error.code
      : null;
    return {
      error: { name: error instanceof Error ? error.name : "", code, message: messageOf(error) },
    };
  }
}

/** Whether the code failed because this process has no permissions. */
function needsPermission(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof Deno.errors.NotCapable) return true;
  }
  return false;
}

async function* lines(): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stdin.readable.pipeThrough(new TextDecoderStream())) {
    rest += text;
    if (!text.includes("\n")) continue; // A line of code may have many parts.
    const parts = rest.split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}

async function serve(): Promise<void> {
  const writer = stdout.writable.getWriter();
  const encoder = new TextEncoder();
  let mark: string | undefined;
  for await (const line of lines()) {
    if (mark === undefined) ({ mark } = parse(line) as Hello);
    else await writer.write(encoder.encode(`\n${mark}${stringify(await answer(parse(line)))}\n`));
  }
}

await serve();
