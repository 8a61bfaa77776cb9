/**
 * Options of an observer.
 *
 * @module
 */

import { checkBoolean, checkFunction, checkOptions, refuse } from "../base/arguments.ts";
import type { Json } from "../operate/plain.ts";
import type { Viewer } from "./rights.ts";

/** What a value is, for the option `redact`. */
export interface ValuePlace {
  /** What it is. `event`: a step's or an activity's answer, or another value of the history. */
  readonly kind:
    | "input"
    | "result"
    | "error"
    | "event"
    | "signal"
    | "status"
    | "attributes"
    | "heartbeat";
  /** The run's id; `null`: of no single run. */
  readonly run: string | null;
  /** The workflow's name; `null`: unknown. */
  readonly workflow: string | null;
  /** The name of the effect, activity or signal that it belongs to; `null`: of none. */
  readonly name: string | null;
}

/** Something that a person did. */
export interface AuditEntry {
  /** When, in ISO form. */
  readonly at: string;
  /** Who, by the name that `access` returned. */
  readonly by: string;
  /** What, such as `terminate`. */
  readonly action: string;
  /** The namespace; `null`: the whole database. */
  readonly namespace: string | null;
  /** The ids of what was acted upon; the first 1,000. */
  readonly targets: readonly string[];
  /** Why; `null`: no reason was given. */
  readonly reason: string | null;
  /**
   * What came of it: `done`; `partly`: some of the targets are as they were, and the record in the
   * database says which; otherwise why all are as they were, such as the code of the error.
   */
  readonly outcome: string;
}

/** Options of {@linkcode observer}. */
export interface ObserverOptions {
  /**
   * The path under which the application mounts the observer, such as `/ops`. When it is omitted, all
   * links are relative to the page.
   */
  readonly path?: string;
  /**
   * Says who sends a request, and what they may do. There is no default: an observer shows what runs
   * in production, and can end it.
   *
   * @param request The request, as the server received it.
   * @returns The viewer; `null`: no one who is known, which is answered with 401; or a response, such
   * as a redirect to a login.
   */
  access(request: Request): Viewer | Response | null | Promise<Viewer | Response | null>;
  /**
   * Replaces a value before it leaves the server, as HTML or as JSON.
   *
   * @param value The value, as plain JSON.
   * @param at What it is.
   * @returns The value, or what is shown in its place. If it throws, the value is left out.
   */
  redact?(value: Json, at: ValuePlace): Json;
  /**
   * Called after each action, besides the record in the database.
   *
   * @param entry What was done.
   */
  audit?(entry: AuditEntry): void;
  /**
   * Whether the observer changes nothing, whatever its viewers may do.
   *
   * @default {false}
   */
  readonly readOnly?: boolean;
  /**
   * Whether `X-Forwarded-Host` and `X-Forwarded-Prefix` come from a proxy that sets them itself.
   *
   * @default {false}
   */
  readonly trustProxy?: boolean;
}

const KEYS = ["path", "access", "redact", "audit", "readOnly", "trustProxy"];

/**
 * Checks the options of `observer()`.
 *
 * @param options The options.
 * @throws {InvalidArgumentError} If one is missing, unknown or out of range.
 */
export function checkObserverOptions(options: ObserverOptions): void {
  const call = "observer()";
  checkOptions(options, KEYS, call);
  const { path, access, redact, audit, readOnly = false, trustProxy = false } = options;
  checkFunction(access, `option access of ${call}`);
  if (redact !== undefined) checkFunction(redact, `option redact of ${call}`);
  if (audit !== undefined) checkFunction(audit, `option audit of ${call}`);
  checkBoolean(readOnly, `option readOnly of ${call}`);
  checkBoolean(trustProxy, `option trustProxy of ${call}`);
  if (path !== undefined && (typeof path !== "string" || !isPath(path))) {
    refuse(`option path of ${call}`, path, "a path such as /ops, without a final slash");
  }
}

/** Whether a text is a path under which an observer can be mounted. */
export function isPath(text: string): boolean {
  return /^(?:\/[\w.~-]+)*$/.test(text) && !/\/\.{1,2}(?:\/|$)/.test(text);
}
