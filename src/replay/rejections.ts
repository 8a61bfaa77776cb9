/**
 * Errors that user code leaves where nobody handles them: promises that stay rejected, and what
 * listeners, microtasks and timers throw. They would end the process; here they are told to the
 * run, the step or the version whose code it was, and the process lives. The runtime calls the
 * handler in the async context of the error, for timers excepted: what a step's timers call is
 * wrapped.
 *
 * The application's own errors keep their default behaviour.
 *
 * @module
 */

import { scope, type WorkflowScope } from "./scope.ts";

/** Takes what code of versions leaves behind when it runs for nobody; by an embedder of the guard. */
export type LateErrors = (error: unknown) => void;

/** A frame of a module that was loaded from verified bytes. */
const OF_VERSION = /\bcontinuum:\/\/\/[0-9a-f]{64}/;

const owners: WeakMap<Promise<unknown>, WorkflowScope> = new WeakMap();
let late: LateErrors = () => {};

/**
 * Says who hears of errors of versions that belong to no run and no step, such as of a timer that a
 * module has set at its top level.
 *
 * @param hear Takes each.
 */
export function onLateError(hear: LateErrors): void {
  late = hear;
}

/**
 * Tells of an error that belongs to a version, and to no run and no step.
 *
 * @param error The error.
 */
export function lateError(error: unknown): void {
  late(error);
}

function onUnhandled(event: PromiseRejectionEvent): void {
  const owner = scope.getStore();
  if (owner?.kind === "step") {
    event.preventDefault();
    return owner.report(event.reason);
  }
  if (owner?.kind === "workflow") {
    event.preventDefault();
    owners.set(event.promise, owner);
    return owner.noteRejection(event.promise, event.reason);
  }
  if (owner?.kind === "module" && !owner.isOver) return; // whoever imports it hears of it
  if (!isOfVersion(owner?.kind, event.reason) || event.defaultPrevented) return;
  event.preventDefault();
  late(event.reason);
}

function onHandled(event: PromiseRejectionEvent): void {
  owners.get(event.promise)?.noteHandled(event.promise);
}

function onError(event: ErrorEvent): void {
  const owner = scope.getStore();
  if (owner?.kind === "module" && !owner.isOver) return; // whoever imports it hears of it
  const isNobodys = owner?.kind !== "step" && owner?.kind !== "workflow";
  if (isNobodys && !isOfVersion(owner?.kind, event.error) || event.defaultPrevented) return;
  event.preventDefault();
  if (owner?.kind === "step") owner.report(event.error);
  else if (owner?.kind === "workflow") owner.noteThrown(event.error);
  else late(event.error);
}

/** Whether code of a version left it: by its context, or by the innermost frames of its stack. */
function isOfVersion(kind: string | undefined, error: unknown): boolean {
  if (kind === "module") return true;
  try {
    return error instanceof Error && OF_VERSION.test(String(error.stack));
  } catch {
    return false; // a hostile object: the application's, for all that is known
  }
}

/** Starts to listen, for the whole process. */
export function watchErrors(): void {
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  globalThis.addEventListener("rejectionhandled", onHandled);
  globalThis.addEventListener("error", onError);
}

/** Stops to listen. */
export function unwatchErrors(): void {
  globalThis.removeEventListener("unhandledrejection", onUnhandled);
  globalThis.removeEventListener("rejectionhandled", onHandled);
  globalThis.removeEventListener("error", onError);
}
