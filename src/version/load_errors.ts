/**
 * Errors of trusting, fetching, loading and obtaining versions.
 *
 * @module
 */

import { shortHash } from "../base/text.ts";
import { ContinuumError } from "../base/errors.ts";

/**
 * What a failure to obtain a version means:
 * - `passing`: try again later; nothing is known to be wrong;
 * - `node`: this node can't, another may;
 * - `lasting`: no node can, until somebody does something.
 *
 * @category Versions
 */
export type FailureKind = "passing" | "node" | "lasting";

/**
 * Where a version, or a reason why it can't be had, comes from.
 *
 * @category Versions
 */
export type SourceName = "registry" | "url" | "archive" | "import" | "policy";

/**
 * Why one source could not give a version.
 *
 * @category Versions
 */
export interface SourceReason {
  /** The source. */
  readonly source: SourceName;
  /** The specifier that was tried, for a URL. */
  readonly specifier?: string;
  /** What this reason alone means. */
  readonly kind: FailureKind;
  /** A stable, upper-case word. */
  readonly code: string;
  /** For people. */
  readonly message: string;
}

/**
 * A version can't be had. Code `VERSION_UNAVAILABLE`.
 *
 * @category Errors
 */
export class LoadFailure extends ContinuumError {
  /** The version. */
  readonly hash: string;
  /** What all reasons together mean: the most hopeful of them. */
  readonly kind: FailureKind;
  /** A reason for each source that was tried. */
  readonly reasons: readonly SourceReason[];

  /**
   * Makes the error.
   *
   * @param hash The version.
   * @param reasons A reason for each source that was tried; at least one.
   * @param cause What was thrown, when one thing was.
   */
  constructor(hash: string, reasons: readonly SourceReason[], cause?: unknown) {
    const told = reasons.map((r) =>
      `${r.source}${r.specifier ? ` ${r.specifier}` : ""}: ${r.message}`
    );
    super("VERSION_UNAVAILABLE", `Cannot load version ${shortHash(hash)}: ${told.join("; ")}`, {
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
 * A module imports what its manifest does not list. Code `UNPINNED_IMPORT`.
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
 * Bytes or a manifest are not what their digest says. Code `INTEGRITY_MISMATCH`.
 *
 * @category Errors
 */
export class IntegrityError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param what What was checked.
   * @param found What was found, mostly a SHA-256; `undefined` when there is nothing at all.
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

/** A digest of 64 digits as messages show it; whatever else is compared, as it is. */
function shown(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? shortHash(text) : text;
}

/** The archive has no bytes of a version, since none were ever put there. Code `NOT_ARCHIVED`. */
export class NotArchivedError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param label The first member of the version that is missing.
   */
  constructor(label: string) {
    super("NOT_ARCHIVED", `Cannot read ${label} from the archive: it is not archived`, {
      details: { label },
    });
  }
}

/**
 * How an import came to nothing.
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
  /** Which of these it was. */
  readonly trouble: ImportTrouble;

  /**
   * Makes the error.
   *
   * @param url The imported module.
   * @param trouble Which of these it was.
   * @param cause What it threw, or left rejected.
   */
  constructor(url: string, trouble: ImportTrouble, cause: unknown) {
    const why = {
      threw: "it threw",
      hung: "it did not finish",
      exited: "it asked the process to exit",
      rejected: "it left a rejected promise",
    }[trouble];
    const told = toldBy(cause);
    super("IMPORT_FAILED", `Cannot import ${url}: ${why}: ${told}`, {
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
   * @param cause What importing it threw.
   */
  constructor(specifier: string, cause: unknown) {
    const told = cause instanceof Error ? cause.message : String(cause);
    super("EXTERNAL_UNAVAILABLE", `Cannot import ${specifier} on this node: ${told}`, {
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
 * This process has loaded as many modules as it may. Code `LOAD_LIMIT`.
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
   * @param url What was to be used.
   * @param why Which rule refuses it.
   */
  constructor(url: string, why: string) {
    super("UNTRUSTED_MODULE", `Cannot trust ${url}: ${why}`, { details: { url } });
  }
}

/**
 * A module could not be fetched, and {@linkcode FetchFailedError.kind} says what that means.
 *
 * @category Errors
 */
export class FetchFailedError extends ContinuumError {
  /** What it means for the version. */
  readonly kind: FailureKind;

  /**
   * Makes the error.
   *
   * @param code A stable, upper-case word.
   * @param kind What it means for the version.
   * @param message What was fetched and what was found.
   * @param cause What was thrown.
   */
  constructor(code: string, kind: FailureKind, message: string, cause?: unknown) {
    super(code, message, cause === undefined ? {} : { cause });
    this.kind = kind;
  }
}

/** What a module's default export lacks to be a workflow. */
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
   * @param code What it lacks.
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
   * @param name What was looked for: a workflow's name, a version hash or a specifier.
   * @param task What it was wanted for, such as `start a run`.
   * @param why Which rule or lack it was.
   */
  constructor(name: string, task: string, why = "no such version is registered") {
    super("VERSION_NOT_FOUND", `Cannot ${task}: ${why}, found ${JSON.stringify(name)}`, {
      details: { name },
    });
  }
}

/** What was thrown, in words; it may be a proxy that refuses to be looked at. */
function toldBy(cause: unknown): string {
  try {
    return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  } catch {
    return "something that can't be read";
  }
}
