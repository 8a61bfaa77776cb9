/**
 * Errors of trusting, fetching, loading and obtaining versions.
 *
 * @module
 */

import { shortHash } from "../base/text.ts";
import { ContinuumError } from "../base/errors.ts";

/**
 * What a failure to obtain a version means:
 * - `passing`: a retry may succeed; nothing is known to be wrong;
 * - `node`: this node can't load it, another may;
 * - `lasting`: no node can load it until a person fixes the cause.
 *
 * @category Versions
 */
export type FailureKind = "passing" | "node" | "lasting";

/**
 * The source of a version, or of the reason why it is unavailable.
 *
 * @category Versions
 */
export type SourceName = "registry" | "url" | "archive" | "import" | "policy";

/**
 * Why one source could not provide a version.
 *
 * @category Versions
 */
export interface SourceReason {
  /** The source. */
  readonly source: SourceName;
  /** The specifier that was tried, for a URL. */
  readonly specifier?: string;
  /** The kind of this reason alone. */
  readonly kind: FailureKind;
  /** A stable, upper-case word. */
  readonly code: string;
  /** The reason, for people. */
  readonly message: string;
}

/**
 * A version is unavailable. Code `VERSION_UNAVAILABLE`.
 *
 * @category Errors
 */
export class LoadFailure extends ContinuumError {
  /** The version. */
  readonly hash: string;
  /** The kind of all reasons together: the most hopeful one. */
  readonly kind: FailureKind;
  /** A reason for each source that was tried. */
  readonly reasons: readonly SourceReason[];

  /**
   * Makes the error.
   *
   * @param hash The version.
   * @param reasons A reason for each source that was tried; at least one.
   * @param cause The error, if there was one.
   */
  constructor(hash: string, reasons: readonly SourceReason[], cause?: unknown) {
    const shown = reasons.map((r) =>
      `${r.source}${r.specifier ? ` ${r.specifier}` : ""}: ${r.message}`
    );
    super("VERSION_UNAVAILABLE", `Cannot load version ${shortHash(hash)}: ${shown.join("; ")}`, {
      ...(cause === undefined ? {} : { cause }),
      details: { hash, reasons },
    });
    this.hash = hash;
    this.kind = (["passing", "node"] as const).find((k) => reasons.some((r) => r.kind === k)) ??
      "lasting";
    this.reasons = reasons;
  }
}

/**
 * A module has an import that its version's manifest does not list. Code `UNPINNED_IMPORT`.
 *
 * @category Errors
 */
export class UnpinnedImportError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param importer The URL of the importing module.
   * @param specifier The specifier as written.
   */
  constructor(importer: string, specifier: string) {
    super(
      "UNPINNED_IMPORT",
      `Cannot import ${JSON.stringify(specifier)} from ${importer}: ` +
        "the manifest of its version does not list that import",
      { details: { importer, specifier } },
    );
  }
}

/**
 * Bytes or a manifest do not match their digest. Code `INTEGRITY_MISMATCH`.
 *
 * @category Errors
 */
export class IntegrityError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param what What was checked.
   * @param found What was found, usually a SHA-256; `undefined` if nothing was found.
   * @param wanted What was wanted.
   */
  constructor(what: string, found: string | undefined, wanted: string) {
    super(
      "INTEGRITY_MISMATCH",
      `Cannot accept ${what}: found ${found ? shown(found) : "nothing"}, wanted ${shown(wanted)}`,
      { details: { found: found ?? null, wanted } },
    );
  }
}

/** A digest of 64 digits in its short form; any other text unchanged. */
function shown(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? shortHash(text) : text;
}

/**
 * The archive does not have the bytes of a version: they were never archived. Code `NOT_ARCHIVED`.
 */
export class NotArchivedError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param label The label of the first missing member.
   */
  constructor(label: string) {
    super("NOT_ARCHIVED", `Cannot read ${label} from the archive: it is not archived`, {
      details: { label },
    });
  }
}

/**
 * How an import failed.
 *
 * @category Errors
 */
export type ImportTrouble = "threw" | "hung" | "exited" | "rejected";

/**
 * A module threw, hung, called `Deno.exit` or left a rejected promise while it was imported. Code
 * `IMPORT_FAILED`.
 *
 * @category Errors
 */
export class ImportFailedError extends ContinuumError {
  /** How it failed. */
  readonly trouble: ImportTrouble;

  /**
   * Makes the error.
   *
   * @param url The imported module.
   * @param trouble How it failed.
   * @param cause What it threw, or the reason of the promise that it left rejected.
   */
  constructor(url: string, trouble: ImportTrouble, cause: unknown) {
    const why = {
      threw: "it threw",
      hung: "it did not finish",
      exited: "it asked the process to exit",
      rejected: "it left a rejected promise",
    }[trouble];
    const message = messageOfThrown(cause);
    super("IMPORT_FAILED", `Cannot import ${url}: ${why}: ${message}`, {
      cause,
      details: { url, trouble },
    });
    this.trouble = trouble;
  }
}

/**
 * A package or builtin that a version pins can't be imported here. Code `EXTERNAL_UNAVAILABLE`.
 *
 * @category Errors
 */
export class ExternalUnavailableError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param specifier The pinned specifier.
   * @param cause The error that importing it threw.
   */
  constructor(specifier: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super("EXTERNAL_UNAVAILABLE", `Cannot import ${specifier} on this node: ${reason}`, {
      cause,
      details: { specifier },
    });
  }
}

/**
 * A version is bound to a live module that this node does not have. Code `LIVE_UNKNOWN`.
 *
 * @category Errors
 */
export class LiveUnknownError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param label The live module's label.
   */
  constructor(label: string) {
    super(
      "LIVE_UNKNOWN",
      `Cannot bind ${JSON.stringify(label)}: no module of this node's "live" option answers to it`,
      { details: { label } },
    );
  }
}

/**
 * This process has loaded the maximum of modules. Code `LOAD_LIMIT`.
 *
 * @category Errors
 */
export class LoadLimitError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param loaded Modules loaded so far.
   * @param wanted Modules that the version has.
   * @param limit The limit.
   */
  constructor(loaded: number, wanted: number, limit: number) {
    super(
      "LOAD_LIMIT",
      `Cannot load ${wanted} more modules: found ${loaded} loaded, wanted at most ${limit} in one ` +
        "process, since modules are never freed",
      { details: { loaded, wanted, limit } },
    );
  }
}

/**
 * A module outside this node's trust. Code `UNTRUSTED_MODULE`.
 *
 * @category Errors
 */
export class UntrustedModuleError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param url The URL that was refused.
   * @param why Which rule refuses it.
   */
  constructor(url: string, why: string) {
    super("UNTRUSTED_MODULE", `Cannot trust ${url}: ${why}`, { details: { url } });
  }
}

/**
 * A module could not be fetched; {@linkcode FetchFailedError.kind} says whether that may pass.
 *
 * @category Errors
 */
export class FetchFailedError extends ContinuumError {
  /** The kind of the failure, for the version. */
  readonly kind: FailureKind;

  /**
   * Makes the error.
   *
   * @param code A stable, upper-case word.
   * @param kind The kind of the failure, for the version.
   * @param message What was fetched and what was found.
   * @param cause The error that was thrown.
   */
  constructor(code: string, kind: FailureKind, message: string, cause?: unknown) {
    super(code, message, cause === undefined ? {} : { cause });
    this.kind = kind;
  }
}

/** Why a module's default export is not a workflow that this engine can run. */
export type DefinitionTrouble = "NO_DEFAULT_EXPORT" | "NOT_A_WORKFLOW" | "PROTOCOL_TOO_NEW";

/**
 * A module's default export is not a workflow that this engine can run.
 *
 * @category Errors
 */
export class DefinitionError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param code Why it is not.
   * @param message What was found and what was wanted.
   */
  constructor(code: DefinitionTrouble, message: string) {
    super(code, message);
  }
}

/**
 * A workflow, version or specifier is not registered. Code `VERSION_NOT_FOUND`.
 *
 * @category Errors
 */
export class VersionNotFoundError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param name What was searched for: a workflow's name, a version hash or a specifier.
   * @param task What it was needed for, such as `start a run`.
   * @param why The rule that refused it, or what is missing.
   */
  constructor(name: string, task: string, why = "no such version is registered") {
    super("VERSION_NOT_FOUND", `Cannot ${task}: ${why}, found ${JSON.stringify(name)}`, {
      details: { name },
    });
  }
}

/** The message of a thrown value, which may be a proxy that throws. */
function messageOfThrown(cause: unknown): string {
  try {
    return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  } catch {
    return "something that can't be read";
  }
}
