/**
 * Errors of bundles.
 *
 * @module
 */

import { idOf, quoteId } from "../base/describe.ts";
import { ContinuumError } from "../base/errors.ts";
import { shortHash } from "../base/text.ts";

/**
 * A bundle can't be written, read or replayed: its `code` says why.
 *
 * @category Errors
 */
export class BundleError<
  Code extends
    | "BUNDLE_CHANGED"
    | "BUNDLE_CUT"
    | "BUNDLE_FORMAT"
    | "BUNDLE_LIMIT"
    | "BUNDLE_MEMBER"
    | "BUNDLE_NO_CODE"
    | "BUNDLE_NO_RUN"
    | "BUNDLE_REDACTED"
    | "BUNDLE_TOO_NEW" =
      | "BUNDLE_CHANGED"
      | "BUNDLE_CUT"
      | "BUNDLE_FORMAT"
      | "BUNDLE_LIMIT"
      | "BUNDLE_MEMBER"
      | "BUNDLE_NO_CODE"
      | "BUNDLE_NO_RUN"
      | "BUNDLE_REDACTED"
      | "BUNDLE_TOO_NEW",
> extends ContinuumError<Code> {}

/** The file is no bundle, or a part of it has the wrong form. */
export function notABundle(found: string): BundleError<"BUNDLE_FORMAT"> {
  return new BundleError(
    "BUNDLE_FORMAT",
    `Cannot read the bundle: found ${found}, wanted a file that run.export() wrote`,
    { details: { found } },
  );
}

/** The file ends before its content does. */
export function bundleCut(bytes: number, wanted: number): BundleError<"BUNDLE_CUT"> {
  return new BundleError(
    "BUNDLE_CUT",
    `Cannot read the bundle: it was cut short: found ${bytes} bytes, wanted ${wanted}`,
    { details: { bytes, wanted } },
  );
}

/** A digest does not match. */
export function bundleChanged(
  part: string,
  found: string,
  wanted: string,
): BundleError<"BUNDLE_CHANGED"> {
  return new BundleError(
    "BUNDLE_CHANGED",
    `Cannot read the bundle: ${part} was changed after the export: found ${found}, ` +
      `wanted ${wanted}`,
    { details: { part, found, wanted } },
  );
}

/** A release that is newer than this one wrote the file. */
export function bundleTooNew(found: number, wanted: number): BundleError<"BUNDLE_TOO_NEW"> {
  return new BundleError(
    "BUNDLE_TOO_NEW",
    `Cannot read the bundle: found version ${found} of the format, wanted at most ${wanted}; ` +
      "use the release that wrote it",
    { details: { found, wanted } },
  );
}

/** The content is larger than the caller allows. */
export function bundleTooLarge(limit: number): BundleError<"BUNDLE_LIMIT"> {
  return new BundleError(
    "BUNDLE_LIMIT",
    `Cannot use the bundle: its content is larger than ${limit} bytes; raise option maxBytes, or ` +
      "export fewer runs",
    { details: { limit } },
  );
}

/** A module in the bundle belongs to no version, or a version lacks one of its modules. */
export function wrongMember(
  sha256: string,
  trouble: "missing" | "unlisted",
): BundleError<"BUNDLE_MEMBER"> {
  const why = trouble === "missing"
    ? "it lacks a module that a manifest lists"
    : "it holds a module that no manifest lists";
  return new BundleError(
    "BUNDLE_MEMBER",
    `Cannot read the bundle: ${why}: found ${trouble} ${sha256}, wanted the modules of its manifests`,
    { details: { sha256, trouble } },
  );
}

/** The bundle holds a run, and not this generation of it. */
export function noSuchGeneration(
  runId: string,
  generation: number,
  found: readonly number[],
): BundleError<"BUNDLE_NO_RUN"> {
  const [first, last] = [found[0], found.at(-1)];
  const kept = first === last
    ? `generation ${first} alone`
    : `generations ${first} to ${last}, wanted one of them`;
  return new BundleError(
    "BUNDLE_NO_RUN",
    `Cannot find generation ${generation} of run ${quoteId(runId)} in the bundle: found ${kept}`,
    { details: { runId: idOf(runId), runs: [idOf(runId)] } },
  );
}

/** The bundle does not hold a run. */
export function noSuchRun(
  wanted: string | undefined,
  found: readonly string[],
): BundleError<"BUNDLE_NO_RUN"> {
  const what = wanted === undefined ? "a run" : `run ${quoteId(wanted)}`;
  const shown = found.slice(0, 10).map((id) => quoteId(id)).join(", ");
  return new BundleError(
    "BUNDLE_NO_RUN",
    `Cannot find ${what} in the bundle: found ${shown === "" ? "no run" : shown}` +
      `${found.length > 10 ? ` and ${found.length - 10} more` : ""}, wanted the id of one of them`,
    {
      details: {
        runId: wanted === undefined ? null : idOf(wanted),
        runs: found.map((id) => idOf(id)),
      },
    },
  );
}

/** The bundle holds no payloads, so its runs can't be replayed. */
export function isRedacted(runId: string): BundleError<"BUNDLE_REDACTED"> {
  return new BundleError(
    "BUNDLE_REDACTED",
    `Cannot replay run ${quoteId(runId)}: the bundle was exported with redact: "timeline" and ` +
      "holds no payloads; read its timeline, or export again without redact",
    { details: { runId: idOf(runId) } },
  );
}

/** The bundle holds no code of a version. */
export function noCode(hash: string, why: string): BundleError<"BUNDLE_NO_CODE"> {
  return new BundleError(
    "BUNDLE_NO_CODE",
    `Cannot replay on version ${shortHash(hash)}: the bundle does not hold its code, which was ` +
      `unavailable when the bundle was exported: ${why}`,
    { details: { hash, why } },
  );
}
