/**
 * Unhandled errors of user code: promises that stay rejected, and errors that listeners, microtasks
 * and timers throw. They would end the process; instead they are reported to the run, the step or
 * the version whose code it was. The runtime calls the handlers in the async context of the error,
 * except for timers: the callbacks of a step's timers are wrapped.
 *
 * The application's own errors keep their default behaviour.
 *
 * @module
 */

import { scope, type WorkflowScope } from "./scope.ts";

/** Receives errors of versions' code that belong to no run and no step. */
export type LateErrors = (error: unknown) => void;

/** A frame of a module that was loaded from verified bytes. */
const OF_VERSION = /\bcontinuum:\/\/\/[0-9a-f]{64}/;

const owners: WeakMap<Promise<unknown>, WorkflowScope> = new WeakMap();
let late: LateErrors = () => {};

/**
 * Sets the receiver of errors of versions that belong to no run and no step, such as of a timer
 * that a module has set at its top level.
 *
 * @param receive Receives each error.
 */
export function onLateError(receive: LateErrors): void {
  late = receive;
}

/**
 * Reports an error that belongs to a version, and to no run and no step.
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
  if (owner?.kind === "module" && !owner.isOver) return; // the import rejects with it
  if (!isOfVersion(owner?.kind, event.reason) || event.defaultPrevented) return;
  event.preventDefault();
  late(event.reason);
}

function onHandled(event: PromiseRejectionEvent): void {
  owners.get(event.promise)?.noteHandled(event.promise);
}

function onError(event: ErrorEvent): void {
  const owner = scope.getStore();
  if (owner?.kind === "module" && !owner.isOver) return; // the import rejects with it
  const isUnowned = owner?.kind !== "step" && owner?.kind !== "workflow";
  if (isUnowned && !isOfVersion(owner?.kind, event.error) || event.defaultPrevented) return;
  event.preventDefault();
  if (owner?.kind === "step") owner.report(event.error);
  else if (owner?.kind === "workflow") owner.noteThrown(event.error);
  else late(event.error);
}

/**
 * Whether the error is from code of a version, by its context or the innermost frames of its stack.
 */
function isOfVersion(kind: string | undefined, error: unknown): boolean {
  if (kind === "module") return true;
  try {
    return error instanceof Error && OF_VERSION.test(String(error.stack));
  } catch {
    return false; // a hostile object: counts as the application's
  }
}

/** Starts to listen for the whole process. */
export function watchErrors(): void {
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  globalThis.addEventListener("rejectionhandled", onHandled);
  globalThis.addEventListener("error", onError);
}

/** Stops listening. */
export function unwatchErrors(): void {
  globalThis.removeEventListener("unhandledrejection", onUnhandled);
  globalThis.removeEventListener("rejectionhandled", onHandled);
  globalThis.removeEventListener("error", onError);
}
