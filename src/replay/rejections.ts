/**
 * Promises that a run leaves rejected while nobody looks. They would end the process; here they are
 * noted with the run whose code made them, since the runtime calls the listener in the async
 * context of the rejection.
 *
 * @module
 */

import { scope, type WorkflowScope } from "./scope.ts";

const owners: WeakMap<Promise<unknown>, WorkflowScope> = new WeakMap();

function onUnhandled(event: PromiseRejectionEvent): void {
  const owner = scope.getStore();
  if (owner === undefined) return; // The application's own: none of our business.
  event.preventDefault();
  if (owner.kind === "step") return owner.report(event.reason);
  owners.set(event.promise, owner);
  owner.noteRejection(event.promise, event.reason);
}

function onHandled(event: PromiseRejectionEvent): void {
  owners.get(event.promise)?.noteHandled(event.promise);
}

/** Starts to listen, for the whole process. */
export function watchRejections(): void {
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  globalThis.addEventListener("rejectionhandled", onHandled);
}

/** Stops to listen. */
export function unwatchRejections(): void {
  globalThis.removeEventListener("unhandledrejection", onUnhandled);
  globalThis.removeEventListener("rejectionhandled", onHandled);
}
