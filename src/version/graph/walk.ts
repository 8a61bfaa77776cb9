/**
 * Walks a graph from its root, level by level: reads every module once, finds its imports, and
 * determines which modules cannot be loaded.
 *
 * A definite failure (no such module, a syntax error) breaks the module, and every module that
 * imports it statically; a dynamic import of a broken module is legal. Any other failure ends the
 * walk, since a hash must not depend on passing failures.
 *
 * @module
 */

import { quote } from "../../base/describe.ts";
import { sha256Hex } from "../../base/encoding.ts";
import { type ContinuumError, isContinuumError } from "../../base/errors.ts";
import type { CommonJsFiles } from "../project/commonjs.ts";
import type { GoverningOptions } from "../options/governing.ts";
import { normaliseUrl } from "../manifest/label.ts";
import { positionOf } from "../imports/lex.ts";
import { type ImportType, isImportType, type MediaType } from "../manifest/format.ts";
import { mediaTypeOf } from "../manifest/media_type.ts";
import type { FetchedModule, FetchModule } from "../fetch/read_module.ts";
import { checkForbidden, type Resolution, resolveImport, type Resolver } from "./resolve.ts";
import { decodeSource, foreignCharset, scanModule } from "../imports/scan.ts";
import type { FoundImport } from "../imports/found_imports.ts";
import { GraphError } from "../errors.ts";

/** The dependencies of a walk. */
export interface WalkOptions {
  /** Resolves imports. */
  readonly resolver: Resolver;
  /** Fetches modules. */
  readonly fetchModule: FetchModule;
  /** Refuses modules. */
  readonly check: (url: string, referrer?: string) => void;
  /** The compiler options of each module. */
  readonly compilerOptions: GoverningOptions;
  /** Which files Deno executes as CommonJS. */
  readonly commonJs: CommonJsFiles;
  /** Limits. */
  readonly limits: { readonly members: number; readonly bytes: number; readonly depth: number };
}

/** A module of the graph. */
export interface WalkedModule {
  /** Its normalised URL, redirects followed. */
  readonly url: string;
  /** How its bytes are read. */
  readonly media: MediaType;
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** Their SHA-256. */
  readonly sha256: string;
  /** Its text, without a byte order mark; empty if it is data. */
  readonly source: string;
  /** Its imports, in the order of the source. */
  imports: readonly WalkedImport[];
  /** The offsets of `import.meta`, other than `import.meta.main`. */
  metas: readonly number[];
  /** Whether a parser found them, and not only the lexer. */
  isParsed: boolean;
  /** Why it is not a module; it has no imports then. */
  failure: ContinuumError | undefined;
  /** Why it cannot be loaded: its own failure, or that of a static import. */
  broken: ContinuumError | undefined;
}

/** An import of a module, and where it leads. */
export interface WalkedImport extends FoundImport {
  /** Where it leads; `computed` if it is known only at run time. */
  readonly target: Resolution | { readonly kind: "computed" };
}

interface Request {
  readonly url: string;
  readonly type: ImportType;
  readonly importer: WalkedModule | undefined;
}

/** How many modules are read at a time. */
const CONCURRENCY = 32;

/** One walk over one graph. */
export class Walk {
  readonly #options: WalkOptions;
  /** The module, or the failure, of each request. */
  readonly #answers = new Map<string, WalkedModule | ContinuumError>();
  /** Every module by its type and final URL. */
  readonly #modules = new Map<string, WalkedModule>();
  #bytes = 0;
  #requests = 0;

  /**
   * Prepares a walk.
   *
   * @param options The dependencies.
   */
  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /**
   * Walks from a root, once.
   *
   * @param url The URL of the root.
   * @returns The root.
   * @throws {ContinuumError} When the root cannot be loaded, for any reason.
   */
  async run(url: string): Promise<WalkedModule> {
    const root: Request = { url, type: "module", importer: undefined };
    await this.#follow([root]);
    // The lexer may report an import that does not exist: a parser decides.
    for (;;) {
      this.#breakImporters();
      // The lexer accepts many syntax errors, which only the runtime's linker would detect: too
      // late for dynamic imports, which must be recorded as `missing`.
      const eager = this.#eager(url);
      const doubtful = [...this.#modules.values()].filter((m) =>
        !m.isParsed && (m.broken !== undefined || !eager.has(m))
      );
      if (doubtful.length === 0) break;
      await this.#follow((await Promise.all(doubtful.map((m) => this.#scan(m, true)))).flat());
    }
    const answer = this.#answers.get(keyOf("module", normaliseUrl(url)))!;
    if (answer instanceof Error) throw answer;
    if (answer.broken !== undefined) throw answer.broken;
    return answer;
  }

  /**
   * The module that an import leads to.
   *
   * @param found An import of a walked module.
   * @returns The module, which may be broken; `undefined` when the import leads to no module.
   */
  moduleOf(found: WalkedImport): WalkedModule | undefined {
    const answer = this.#answerOf(found);
    return answer instanceof Error ? undefined : answer;
  }

  /** The modules that are loaded together with the root, before any dynamic import. */
  #eager(url: string): Set<WalkedModule> {
    const root = this.#answers.get(keyOf("module", normaliseUrl(url)));
    const seen = new Set<WalkedModule>();
    if (root === undefined || root instanceof Error) return seen;
    seen.add(root);
    for (const module of seen) {
      for (const found of module.imports) {
        const target = found.isDynamic ? undefined : this.moduleOf(found);
        if (target !== undefined) seen.add(target);
      }
    }
    return seen;
  }

  #answerOf(found: WalkedImport): WalkedModule | ContinuumError | undefined {
    if (found.target.kind !== "module") return undefined;
    return this.#answers.get(keyOf(found.type ?? "module", normaliseUrl(found.target.url)));
  }

  /** Reads all modules that some requests reach. */
  async #follow(requests: readonly Request[]): Promise<void> {
    let level = requests;
    for (let depth = 0; level.length > 0; depth++) {
      if (depth > this.#options.limits.depth) {
        this.#refuse("depth", this.#options.limits.depth, level[0]!);
      }
      const fresh = level.filter((request) => {
        const key = keyOf(request.type, normaliseUrl(request.url));
        if (this.#answers.has(key)) return false;
        // Reserves the key until the module is read, so that it is read once.
        this.#answers.set(key, PENDING);
        return true;
      });
      level = (await mapBounded(fresh, CONCURRENCY, (request) => this.#load(request))).flat();
    }
  }

  /** Reads one module; returns its imports. */
  async #load(request: Request): Promise<readonly Request[]> {
    const { type, importer } = request;
    const requested = normaliseUrl(request.url);
    const key = keyOf(type, requested);
    const { limits, check, resolver } = this.#options;
    if (++this.#requests > limits.members) this.#refuse("members", limits.members, request);
    if (importer === undefined) checkForbidden(resolver, requested, undefined);
    check(requested, importer?.url);
    let fetched: FetchedModule;
    try {
      fetched = await this.#options.fetchModule(request.url);
    } catch (cause) {
      this.#answers.set(key, unreadable(cause, requested, importer?.url));
      return [];
    }
    const url = normaliseUrl(fetched.url);
    for (const hop of [...fetched.redirects.slice(1), fetched.url].map(normaliseUrl)) {
      if (hop === requested) continue;
      checkForbidden(resolver, hop, importer?.url);
      check(hop, importer?.url);
    }
    const sha256 = sha256Hex(fetched.bytes);
    const known = this.#modules.get(keyOf(type, url));
    if (known !== undefined) {
      if (known.sha256 !== sha256) {
        throw new GraphError(
          "MODULE_UNREADABLE",
          `Cannot read ${url}: it changed while it was read`,
          { details: { url } },
        );
      }
      this.#answers.set(key, known);
      return [];
    }
    this.#bytes += fetched.bytes.byteLength;
    if (this.#bytes > limits.bytes) this.#refuse("bytes", limits.bytes, request);
    const media = mediaTypeOf(url, type, fetched.contentType);
    if (media === "commonjs" || media === "unsupported") {
      const found = type === "json"
        ? 'it is imported with { type: "json" }, and neither its name nor its content type is JSON\'s'
        : media === "commonjs"
        ? "it is CommonJS"
        : "its type is not one that Deno runs";
      const error = new GraphError("MODULE_SYNTAX", `Cannot pin ${url}: ${found}`, {
        details: { url },
      });
      // Deno executes it, so importers must not record it as missing.
      if (media === "commonjs" && url.startsWith("file:") && importer !== undefined) {
        throw new GraphError("MODULE_SYNTAX", `${error.message}, imported by ${importer.url}`, {
          details: { url, importer: importer.url },
        });
      }
      this.#answers.set(key, error);
      return [];
    }
    const module: WalkedModule = {
      url,
      media,
      bytes: fetched.bytes,
      sha256,
      source: decodeSource(media, fetched.bytes),
      imports: [],
      metas: [],
      isParsed: true,
      failure: undefined,
      broken: undefined,
    };
    this.#modules.set(keyOf(type, url), module);
    this.#answers.set(key, module);
    this.#answers.set(keyOf(type, url), module);
    const charset = foreignCharset(fetched.contentType, fetched.bytes);
    if (charset !== undefined && module.source !== "") {
      module.failure = new GraphError(
        "MODULE_SYNTAX",
        `Cannot read ${url}: it is served in the charset ${quote(charset)}, wanted utf-8`,
        { details: { url } },
      );
      return [];
    }
    if (type === "module" && media === "json") {
      const where = importer === undefined ? "" : `, imported by ${importer.url}`;
      module.failure = new GraphError(
        "MODULE_SYNTAX",
        `Cannot read ${url} as a module: it is JSON, wanted with { type: "json" }${where}`,
        { details: { url } },
      );
      return [];
    }
    return await this.#scan(module, false, fetched.url);
  }

  /**
   * Finds the imports of a module; `base` has the credentials that its relative imports inherit.
   */
  async #scan(
    module: WalkedModule,
    isThorough: boolean,
    base: string = module.url,
  ): Promise<Request[]> {
    let found: readonly FoundImport[] = [];
    let hasModuleSyntax = false;
    const { compilerOptions } = this.#options;
    const options = compilerOptions.of(module.url, module.media);
    try {
      const scanned = await scanModule(module, options, isThorough);
      if (scanned.hasJsx) compilerOptions.checkJsx(module.url);
      found = scanned.imports;
      hasModuleSyntax = scanned.hasModuleSyntax;
      module.metas = scanned.metas;
      module.isParsed = scanned.isParsed;
    } catch (error) {
      if (!isContinuumError(error, "MODULE_SYNTAX")) throw error;
      module.failure = error;
      module.isParsed = true;
    }
    if (!hasModuleSyntax && /^[jt]sx?$/.test(module.media)) await this.#refuseCommonJs(module);
    module.imports = found.map((entry) => ({ ...entry, target: this.#targetOf(entry, base) }));
    const requests: Request[] = [];
    for (const { target, type } of module.imports) {
      if (target.kind !== "module") continue;
      requests.push({ url: target.url, type: (type ?? "module") as ImportType, importer: module });
    }
    return requests;
  }

  /** Deno executes the module, so importers must not record it as missing. */
  async #refuseCommonJs({ url, failure }: WalkedModule): Promise<void> {
    const reason = await this.#options.commonJs.reasonOf(url);
    if (reason === undefined) return;
    const found = failure === undefined ? "it has no import or export" : "it is no ES module";
    throw new GraphError(
      "MODULE_SYNTAX",
      `Cannot pin ${url}: Deno runs it as CommonJS, since ${found}, and ${reason}; ` +
        `wanted an ES module, such as one with "export {};"`,
      { cause: failure, details: { url } },
    );
  }

  #targetOf({ specifier, type }: FoundImport, base: string): WalkedImport["target"] {
    if (specifier === undefined) return { kind: "computed" };
    const target = resolveImport(this.#options.resolver, specifier, base);
    if (target.kind !== "module" || isImportType(type ?? "module")) return target;
    const found = type === "" ? "an attribute that is not type" : `the type ${quote(`${type}`)}`;
    const wanted = 'wanted "json", "text" or "bytes"';
    const error = new GraphError(
      "MODULE_SYNTAX",
      `Cannot import ${specifier} with ${found}: ${wanted}`,
      { details: { specifier } },
    );
    return { kind: "failed", error };
  }

  /** Breaks every module with a static import that cannot be loaded, until there is no other. */
  #breakImporters(): void {
    // Importers come before the modules that they import: backwards, one pass settles most.
    const modules = [...this.#modules.values()].reverse();
    for (const module of modules) module.broken = module.failure;
    for (let hasChanged = true; hasChanged;) {
      hasChanged = false;
      for (const module of modules) {
        if (module.broken !== undefined) continue;
        const reason = this.#reasonOf(module);
        if (reason === undefined) continue;
        module.broken = reason;
        hasChanged = true;
      }
    }
  }

  #reasonOf(module: WalkedModule): ContinuumError | undefined {
    for (const found of module.imports) {
      if (found.isDynamic) continue;
      const answer = this.#answerOf(found);
      const error = found.target.kind === "failed"
        ? found.target.error
        : answer instanceof Error
        ? answer
        : answer?.broken;
      if (error === undefined) continue;
      if (error.details["importer"] !== undefined) return error;
      const { line, column } = positionOf(module.source, found.offset);
      const message = `${error.message}, imported by ${module.url}:${line}:${column}`;
      return new GraphError(error.code as "MODULE_NOT_FOUND" | "MODULE_SYNTAX", message, {
        cause: error.cause ?? error,
        details: { ...error.details, importer: module.url, line, column },
      });
    }
    return undefined;
  }

  #refuse(what: "members" | "bytes" | "depth", limit: number, request: Request): never {
    throw new GraphError(
      "GRAPH_LIMIT",
      `Cannot pin the graph: found more ${what} than ${limit} at ${normaliseUrl(request.url)}, ` +
        `wanted fewer or a higher limit`,
      { details: { url: normaliseUrl(request.url), limit: what, value: limit } },
    );
  }
}

const PENDING = new GraphError(
  "MODULE_UNREADABLE",
  "Cannot read a module: the walk has not ended",
  {
    details: {},
  },
);

function keyOf(type: string, url: string): string {
  return `${type} ${url}`;
}

/** Returns a definite failure, to be recorded; throws any other. */
function unreadable(cause: unknown, url: string, importer: string | undefined): ContinuumError {
  if (isContinuumError(cause, "MODULE_NOT_FOUND")) return cause;
  if (isContinuumError(cause)) throw cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  const where = importer === undefined ? "" : `, imported by ${importer}`;
  throw new GraphError("MODULE_UNREADABLE", `Cannot read ${url}${where}: ${why}`, {
    cause,
    details: { url, importer },
  });
}

/**
 * Maps with at most `limit` calls at a time; results keep the order of the items. After a failure
 * no call is started, and running calls are awaited: none continues after this returns.
 */
async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length && failures.length === 0) {
      const i = next++;
      try {
        results[i] = await map(items[i]!);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  if (failures.length > 0) throw failures[0];
  return results;
}
