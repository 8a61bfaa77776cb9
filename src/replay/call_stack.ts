/**
 * Where workflow code made a call.
 *
 * @module
 */

import { outside } from "./scope.ts";
import type { CallSite } from "./turn.ts";

const SOURCES: string = new URL("../", import.meta.url).href;
const OWN: readonly string[] = ["replay", "workflow", "testing", "engine"].map((folder) =>
  `${SOURCES}${folder}/`
);
const FRAME = /^\s*at (async )?(?:.* \()?([a-zA-Z][a-zA-Z0-9+.-]*:.*?):(\d+):(\d+)\)?$/;
const DEPTH = 32;

/** The stack at a call: captured in about 2 µs, and parsed only on demand. */
export class CallStack {
  readonly #taken: Error;

  /** Captures the caller's stack. */
  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = DEPTH;
    this.#taken = new Error();
    Error.stackTraceLimit = limit;
  }

  /**
   * The innermost frame that is neither this package's nor the runtime's; `null` if there is none.
   */
  get site(): CallSite | null {
    for (const line of this.#lines) {
      const frame = readFrame(line);
      if (frame?.isWorkflows === true) return frame.site;
    }
    return null;
  }

  /** The places of the workflow's functions, the innermost first, out to where the engine called them. */
  get sites(): readonly CallSite[] {
    return this.lines.map((line) => readFrame(line)!.site);
  }

  /** The file of the innermost frame that is not this package's; `null` if there is none. */
  get caller(): string | null {
    for (const line of this.#lines) {
      const frame = readFrame(line);
      if (frame !== null && !isOwn(frame.site.file)) return frame.site.file;
    }
    return null;
  }

  /** The files of all frames that are neither this package's nor the runtime's. */
  get files(): ReadonlySet<string> {
    const frames = this.#lines.map(readFrame);
    return new Set(frames.flatMap((f) => f?.isWorkflows === true ? [f.site.file] : []));
  }

  /**
   * The frames of the workflow's functions, innermost first, up to where the engine called or
   * resumed them. The frames outside of that differ from replay to replay.
   */
  get lines(): readonly string[] {
    const lines: string[] = [];
    for (const line of this.#lines) {
      const frame = readFrame(line);
      if (frame === null) continue; // a built-in function, such as `map`
      if (frame.isWorkflows && !frame.isAsync) lines.push(line);
      else if (lines.length > 0) break;
    }
    return lines;
  }

  get #lines(): readonly string[] {
    return (outside(() => this.#taken.stack) ?? "").split("\n");
  }
}

/**
 * The innermost frame of the running code that is neither this package's nor the runtime's.
 *
 * @returns The call site; `null` if there is no such frame.
 */
export function callSite(): CallSite | null {
  return new CallStack().site;
}

/**
 * Returns where workflow code made an error.
 *
 * @param error What was thrown.
 * @returns The place; `null` if it is no error, or was not made by workflow code.
 */
export function siteOfError(error: unknown): CallSite | null {
  const stack = outside(() => stackOf(error));
  for (const line of stack.split("\n")) {
    const frame = readFrame(line);
    if (frame?.isWorkflows === true) return frame.site;
  }
  return null;
}

function stackOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.stack) : "";
  } catch {
    return ""; // a getter of the workflow's threw
  }
}

/**
 * Formats a call site for people and terminals.
 *
 * @param site The call site.
 * @returns `file:line:column`; `null` for `null`.
 */
export function showSite(site: CallSite | null): string | null {
  return site === null ? null : `${site.file}:${site.line}:${site.column}`;
}

/** Parses a line of a stack; `null` if it names no location in a module. */
function readFrame(
  line: string,
): { readonly site: CallSite; readonly isWorkflows: boolean; readonly isAsync: boolean } | null {
  const [, isAsync, file, row, column] = FRAME.exec(line) ?? [];
  if (file === undefined) return null;
  return {
    site: { file, line: Number(row), column: Number(column) },
    isWorkflows: !isOwn(file) && !file.startsWith("ext:") && !file.startsWith("node:"),
    isAsync: isAsync !== undefined,
  };
}

function isOwn(file: string): boolean {
  return OWN.some((folder) => file.startsWith(folder) && !file.endsWith("_test.ts"));
}
