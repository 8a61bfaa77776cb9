/**
 * Imports modules so that whatever they do while they are imported is a failed import and nothing
 * worse: throwing, never finishing, asking the process to exit, leaving rejected promises.
 *
 * What a module starts while it is imported is told from everything else in the process by the
 * asynchronous context that it runs in. An endless loop can't be interrupted; the note that a node
 * leaves in the database before an import covers that.
 *
 * @module
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { ImportFailedError } from "../load_errors.ts";

/** What happened in the context of one guarded import. */
class Watch {
  /** Whether the module is the application's own: what it does later is the application's affair. */
  readonly isOwn: boolean;
  /** What messages call the module, and frames of its code begin with. */
  readonly url: string;
  /** Whether the import is over; what comes then is too late to fail it. */
  isOver = false;
  /** What the module left rejected. */
  rejection: { readonly reason: unknown } | undefined;
  /** What the module threw where nobody could catch it: in a listener, a microtask, a timer. */
  thrown: { readonly error: unknown } | undefined;
  /** The exit code that the module asked for. */
  exit: { readonly error: Error } | undefined;

  constructor(url: string, isOwn: boolean) {
    this.url = url;
    this.isOwn = isOwn;
  }
}

const watches = new AsyncLocalStorage<Watch>();
/** The last import: what is thrown in a timer comes without its context. */
let importing: Watch | undefined;
let isListening = false;
let guarded = 0;
let late = 0;

/**
 * Imports under guard.
 *
 * @param url What messages call the imported module.
 * @param timeoutMs Milliseconds until the import counts as hung.
 * @param importAll Does the import.
 * @param isOwn Whether the module is the application's own: what it leaves rejected later ends the
 *   process, as ever. Of any other module it is counted. Default false.
 * @returns What `importAll` gave.
 * @throws {ImportFailedError} When the module threw, hung, asked to exit or left a rejected
 * promise.
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
      reject(new ImportFailedError(url, "hung", `nothing within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    const result = await Promise.race([watches.run(watch, importAll), hung]);
    // Rejections are told of once microtasks are drained.
    await new Promise((resolve) => setImmediate(resolve));
    if (watch.exit !== undefined) throw new ImportFailedError(url, "exited", watch.exit.error);
    if (watch.thrown !== undefined) {
      throw new ImportFailedError(url, "threw", watch.thrown.error);
    }
    if (watch.rejection !== undefined) {
      throw new ImportFailedError(url, "rejected", watch.rejection.reason);
    }
    return result;
  } catch (error) {
    if (isImportFailed(error)) throw error;
    if (watch.exit !== undefined) throw new ImportFailedError(url, "exited", watch.exit.error);
    throw new ImportFailedError(url, "threw", error);
  } finally {
    clearTimeout(timer);
    watch.isOver = true;
  }
}

/** How many errors were left unhandled by modules after their import was over. */
export function lateRejections(): number {
  return late;
}

/** Once per process, and for good: a module's timers may outlive its import. */
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

/** Makes `Deno.exit` throw for a module that is being imported; it works for everyone else. */
function guardExit(): Disposable {
  if (guarded++ === 0) {
    const exit = Deno.exit;
    const refuse = (code?: number): never => {
      const watch = watches.getStore();
      if (watch === undefined || watch.isOver) return exit(code);
      // `process.exit` sets it before it calls.
      Deno.exitCode = 0;
      const error = new Error(`Cannot exit with code ${code ?? 0}: a module is being imported`);
      watch.exit ??= { error };
      throw error;
    };
    Deno.exit = refuse;
    restore = () => {
      // Somebody else may have put something over it meanwhile.
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

/** Whether the stack of an error has a frame in a module, or beside it in its version. */
function mentions(error: unknown, url: string): boolean {
  try {
    const base = url.startsWith("continuum:") ? url.slice(0, url.indexOf("/", 13) + 1) : url;
    return error instanceof Error && String(error.stack).includes(base);
  } catch {
    return false;
  }
}

/** Asked of what a module threw: a proxy may refuse to be looked at. */
function isImportFailed(error: unknown): boolean {
  try {
    return error instanceof ImportFailedError;
  } catch {
    return false;
  }
}
