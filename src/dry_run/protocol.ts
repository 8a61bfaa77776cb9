/**
 * What a process and its replay subprocess say to each other: a line of JSON a message.
 *
 * @module
 */

import type { Proof, ProofRequest } from "./proof.ts";
import type { PackagesMessage } from "../version/packages/version_packages.ts";
import type { QueryReply, QueryRequest } from "./query.ts";
import type { Trace, TraceRequest } from "./trace.ts";

/** A version's code, as it crosses the boundary. */
export interface CodeMessage {
  /** The version. */
  readonly hash: string;
  /** The text of its manifest. */
  readonly manifest: string;
  /** Its members' bytes in base64, by SHA-256. */
  readonly bytes: Readonly<Record<string, string>>;
  /** Its npm packages in the archive; the subprocess imports those of its runtime when omitted. */
  readonly packages?: PackagesMessage;
}

/** What the import of a version showed. */
export interface ImportedCode {
  /** Its workflow's name. */
  readonly workflow: string;
  /** The workflows inside it: the name, and the labels of the modules that export each by default. */
  readonly inside: readonly { readonly workflow: string; readonly labels: readonly string[] }[];
}

/** What can be asked of the subprocess, and what it answers. */
export interface Calls {
  /** Imports a version, after every byte of it was verified. */
  readonly load: { readonly asks: CodeMessage; readonly answers: ImportedCode };
  /** Traces a run on the version that was loaded. */
  readonly trace: { readonly asks: TraceRequest; readonly answers: Trace };
  /** Asks the code of a run on the version that was loaded. */
  readonly query: { readonly asks: QueryRequest; readonly answers: QueryReply };
  /** Replays histories on the version that was loaded; answers in the same order. */
  readonly prove: {
    readonly asks: { readonly runs: readonly ProofRequest[]; readonly trace: boolean };
    readonly answers: readonly Proof[];
  };
}

/** One question. */
export interface Question<Name extends keyof Calls = keyof Calls> {
  /** What is asked. */
  readonly call: Name;
  /** With what. */
  readonly argument: Calls[Name]["asks"];
}

/** One answer. */
export type Answer =
  | { readonly value: Calls[keyof Calls]["answers"] }
  | {
    readonly error: {
      readonly name: string;
      readonly code: string | null;
      readonly message: string;
    };
  };

/** The environment of the subprocess is empty, so the first line that it reads is this. */
export interface Hello {
  /** Marks each answer, to distinguish it from what the code itself prints. */
  readonly mark: string;
}
