/**
 * Imports modules so that misbehaviour during the import only fails the import: throwing, never
 * finishing, calling exit, leaving rejected promises.
 *
 * The asynchronous context identifies the code that a module starts while it is imported. An
 * endless loop can't be interrupted; for this case a node leaves a note in the database before an
 * import.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { importFailed, LoadError } from "../load_errors.ts";

/** What happened in the context of one guarded import. */
class Watch {
  /** Whether the module is the application's own: the application handles what it does later. */
  readonly isOwn: boolean;
  /** The module's name in messages, with which frames of its code begin. */
  readonly url: string;
  /** Whether the import has ended; later errors can't fail it. */
  isOver = false;
  /** The reason of a promise that the module left rejected. */
  rejection: { readonly reason: unknown } | undefined;
  /** An error that the module threw and no code caught: in a listener, a microtask, a timer. */
  thrown: { readonly error: unknown } | undefined;
  /** The exit code that the module asked for. */
  exit: { readonly error: Error } | undefined;

  constructor(url: string, isOwn: boolean) {
    this.url = url;
    this.isOwn = isOwn;
  }
}

const watches = new AsyncLocalStorage<Watch>();
/** The last import: the runtime reports errors of timers without their context. */
let importing: Watch | undefined;
let isListening = false;
let guarded = 0;
let late = 0;

/**
 * Imports under guard.
 *
 * @param url The imported module's name in messages.
 * @param timeoutMs Milliseconds until the import counts as hung.
 * @param importAll Does the import.
 * @param isOwn Whether the module is the application's own: a promise that it leaves rejected later
 *   ends the process, as usual. For any other module it is counted. Default false.
 * @returns The result of `importAll`.
 * @throws {LoadError} (`IMPORT_FAILED`) When the module threw, hung, asked to exit or left a
 * rejected promise.
 */
export async function importGuarded<T>(
  url: string,
  timeoutMs: number,
  importAll: () => Promise<T>,
  isOwn = false,
): Promise<T> {
  const watch = new Watch(url, isOwn);
  importing = watch;
  using _exit = guardExit();
  listen();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(importFailed(url, "hung", `nothing within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    const result = await Promise.race([watches.run(watch, importAll), hung]);
    // The runtime reports rejections after microtasks are drained.
    await new Promise((resolve) => setImmediate(resolve));
    if (watch.exit !== undefined) throw importFailed(url, "exited", watch.exit.error);
    if (watch.thrown !== undefined) {
      throw importFailed(url, "threw", watch.thrown.error);
    }
    if (watch.rejection !== undefined) {
      throw importFailed(url, "rejected", watch.rejection.reason);
    }
    return result;
  } catch (error) {
    if (isImportFailed(error)) throw error;
    if (watch.exit !== undefined) throw importFailed(url, "exited", watch.exit.error);
    throw importFailed(url, "threw", error);
  } finally {
    clearTimeout(timer);
    watch.isOver = true;
  }
}

/** How many errors modules left unhandled after their import had ended. */
export function lateRejections(): number {
  return late;
}

/** Once for each process, permanently: a module's timers may outlive its import. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  globalThis.addEventListener("unhandledrejection", (event) => {
    const watch = watches.getStore();
    if (watch === undefined || (watch.isOver && watch.isOwn)) return;
    event.preventDefault();
    if (watch.isOver) late++;
    else watch.rejection ??= { reason: event.reason };
  });
  globalThis.addEventListener("error", (event) => {
    const watch = watches.getStore() ?? importing;
    if (watch === undefined || watch.isOver && watch.isOwn || event.defaultPrevented) return;
    if (watches.getStore() === undefined && !mentions(event.error, watch.url)) return;
    event.preventDefault();
    if (watch.isOver) late++;
    else watch.thrown ??= { error: event.error };
  });
}

/** Makes `Deno.exit` throw for a module that is being imported; for other code it still exits. */
function guardExit(): Disposable {
  if (guarded++ === 0) {
    const exit = Deno.exit;
    const refuse = (code?: number): never => {
      const watch = watches.getStore();
      if (watch === undefined || watch.isOver) return exit(code);
      // `process.exit` sets `Deno.exitCode` before it calls `Deno.exit`.
      Deno.exitCode = 0;
      const error = new Error(`Cannot exit with code ${code ?? 0}: a module is being imported`);
      watch.exit ??= { error };
      throw error;
    };
    Deno.exit = refuse;
    restore = () => {
      // Other code may have replaced it meanwhile.
      if (Deno.exit === refuse) Deno.exit = exit;
    };
  }
  return {
    [Symbol.dispose]: () => {
      if (--guarded === 0) restore();
    },
  };
}

let restore: () => void = () => {};

/** Whether the stack of an error has a frame in a module, or in another module of its version. */
function mentions(error: unknown, url: string): boolean {
  try {
    const base = url.startsWith("continuum:") ? url.slice(0, url.indexOf("/", 13) + 1) : url;
    return error instanceof Error && String(error.stack).includes(base);
  } catch {
    return false;
  }
}

/** Whether a thrown value is an LoadError; the value may be a proxy that throws. */
function isImportFailed(error: unknown): boolean {
  try {
    return error instanceof LoadError && error.code === "IMPORT_FAILED";
  } catch {
    return false;
  }
}
