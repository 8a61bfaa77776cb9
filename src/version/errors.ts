/**
 * Errors of reading and pinning module graphs.
 *
 * @module
 */

import { ContinuumError } from "../base/errors.ts";
import { type Diagnostic, formatDiagnostic } from "./manifest/diagnostics.ts";

export { ContinuumError, type Diagnostic };

/**
 * A text is not a canonical manifest. Code `MANIFEST_INVALID`.
 *
 * @category Errors
 */
export class ManifestError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message What is wrong, and on which line.
   * @param options The cause, and facts about the condition.
   */
  constructor(message: string, options?: { cause?: unknown; details?: Record<string, unknown> }) {
    super("MANIFEST_INVALID", message, options);
  }
}

/**
 * A module definitely does not exist: no such file, HTTP 404 or 410, a bare specifier that nothing
 * maps. A dynamic import of it is recorded as `missing`. Code `MODULE_NOT_FOUND`.
 *
 * @category Errors
 */
export class ModuleNotFoundError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message Which module, and who imports it.
   * @param options The cause, and facts about the condition.
   */
  constructor(message: string, options?: { cause?: unknown; details?: Record<string, unknown> }) {
    super("MODULE_NOT_FOUND", message, options);
  }
}

/**
 * A module could not be read, but may exist: a permission, a refused connection, HTTP 500. It is
 * never recorded as `missing`, since a hash must not depend on passing failures. Code
 * `MODULE_UNREADABLE`.
 *
 * @category Errors
 */
export class ModuleUnreadableError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message Which module, and who imports it.
   * @param options The cause, and facts about the condition.
   */
  constructor(message: string, options?: { cause?: unknown; details?: Record<string, unknown> }) {
    super("MODULE_UNREADABLE", message, options);
  }
}

/**
 * A member is not a module of its type: a syntax error, malformed wasm, CommonJS. Code
 * `MODULE_SYNTAX`.
 *
 * @category Errors
 */
export class ModuleSyntaxError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message Which module, where in it, and what is wrong.
   * @param options The cause, and facts about the condition.
   */
  constructor(message: string, options?: { cause?: unknown; details?: Record<string, unknown> }) {
    super("MODULE_SYNTAX", message, options);
  }
}

/**
 * A graph contains a module that no version may contain: the application's main module, the
 * engine's own `.` entry, a `file:` module imported by a remote one. Code `GRAPH_FORBIDDEN`.
 *
 * @category Errors
 */
export class GraphForbiddenError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message Which module, and who imports it.
   * @param options The cause, and facts about the condition.
   */
  constructor(message: string, options?: { cause?: unknown; details?: Record<string, unknown> }) {
    super("GRAPH_FORBIDDEN", message, options);
  }
}

/**
 * A graph exceeds its limits: members, bytes, depth or redirects. Code `GRAPH_LIMIT`.
 *
 * @category Errors
 */
export class GraphLimitError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message Which limit, and the value found.
   * @param options The cause, and facts about the condition.
   */
  constructor(message: string, options?: { cause?: unknown; details?: Record<string, unknown> }) {
    super("GRAPH_LIMIT", message, options);
  }
}

/**
 * With `pinning: "strict"`, a graph has diagnostics: it cannot be pinned exactly. Code
 * `GRAPH_UNPINNED`.
 *
 * @category Errors
 */
export class GraphUnpinnedError extends ContinuumError {
  /** All reasons why the graph is not exact. */
  readonly diagnostics: readonly Diagnostic[];

  /**
   * Makes the error.
   *
   * @param root The root of the graph.
   * @param diagnostics All diagnostics.
   */
  constructor(root: string, diagnostics: readonly Diagnostic[]) {
    const [first, ...more] = diagnostics.map(formatDiagnostic);
    const rest = more.length === 0 ? "" : `, and ${more.length} more`;
    super("GRAPH_UNPINNED", `Cannot pin ${root} exactly: ${first}${rest}`, {
      details: { diagnostics },
    });
    this.diagnostics = diagnostics;
  }
}

/**
 * A config file, import map or lockfile cannot be read, or sets compiler options that this package
 * refuses. Code `CONFIG_INVALID`.
 *
 * @category Errors
 */
export class ConfigError extends ContinuumError {
  /**
   * Makes the error.
   *
   * @param message Which file, and what is wrong.
   * @param options The cause, and facts about the condition.
   */
  constructor(message: string, options?: { cause?: unknown; details?: Record<string, unknown> }) {
    super("CONFIG_INVALID", message, options);
  }
}
