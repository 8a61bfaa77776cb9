/**
 * Answers requests: finds the route, holds it to the viewer's rights, reads, redacts, and renders.
 *
 * - HANDLER-1: the order is the same for every route: who asks, which route, which rights, where the
 *   request comes from, and only then is anything read. GET and HEAD change nothing.
 *
 * @module
 */

import { isContinuumError } from "../base/errors.ts";
import { checkText } from "../base/arguments.ts";
import { segmentOf, textOfSegment } from "../base/url_segment.ts";
import { RELEASE } from "../base/release.ts";
import type { AuthoredLog } from "../base/authored.ts";
import { type Continuum, inside, limitedTo, logsOf } from "../operate/client.ts";
import { type Json, plain } from "../operate/plain.ts";
import {
  API_HEADER,
  API_VERSION,
  NAMESPACE_HEADER,
  NAMESPACES,
  RELEASE_HEADER,
} from "../operate/readings/api.ts";
import { ActionAnswers } from "./action.ts";
import { ANSWER_MS, READ_MS, tooLong, waitFor } from "./bounds.ts";
import {
  fileAnswer,
  hasAnswer,
  htmlAnswer,
  jsonAnswer,
  redirectAnswer,
  tagOf,
  unchangedAnswer,
  withoutBody,
} from "./answers.ts";
import { assetAnswer } from "./assets.ts";
import { bodyKindOf, isOwnRequest } from "./csrf.ts";
import { ObserverError, shownError } from "./errors.ts";
import { withoutFolders } from "./file_names.ts";
import { frame } from "./frame.ts";
import { fieldsOfForm } from "./fields.ts";
import { readBody } from "./body.ts";
import { html } from "./html.ts";
import { linksFrom } from "./links.ts";
import { Looks } from "./looks.ts";
import { formOf } from "./negotiate.ts";
import type { ObserverOptions } from "./options.ts";
import { errorPage } from "./pages/error.ts";
import { ago, time } from "./parts/mod.ts";
import { type Place, placeOf } from "./place.ts";
import { BACK, CHOICES, cookiesFor, preferencesOf } from "./preferences.ts";
import { redacted } from "./redaction.ts";
import { Given } from "./parameters.ts";
import type { Asked } from "./asked.ts";
import { checkViewer, type Right, rightsOf, type Viewer } from "./rights.ts";
import type { DataRoute, PageRoute, Route } from "./route.ts";
import { FILE, parametersOf, SAID } from "./route_parameters.ts";
import { Router } from "./router.ts";
import { ROUTES } from "./routes.ts";
import { Said } from "./said.ts";
import type { View } from "./view.ts";

/** The clients of one namespace. */
interface Clients {
  /** Does deeds. */
  readonly actor: Continuum;
  /** Reads, within the time that reads have (BOUNDS-1). */
  readonly reader: Continuum;
}

/** How many namespaces have their clients at hand. */
const MOST_CLIENTS = 200;

/** After how many seconds a browser looks again while the database is away. */
const AWAY_SECONDS = 5;

/** Answers the requests of one observer. */
export class Handler {
  readonly #client: Continuum;
  readonly #readMs: number;
  /** By namespace (NAMESPACE-1). */
  readonly #inside = new Map<string, Clients>();
  readonly #options: ObserverOptions;
  readonly #router = new Router(ROUTES);
  readonly #looks = new Looks();
  readonly #said = new Said();
  readonly #actions: ActionAnswers;
  readonly #log: AuthoredLog;

  /**
   * @param client What is observed.
   * @param options The options, checked.
   * @param readMs How long the database may look for one statement, in milliseconds (BOUNDS-1).
   */
  constructor(
    client: Continuum,
    options: ObserverOptions,
    readMs: number = READ_MS,
  ) {
    this.#client = client;
    this.#options = options;
    this.#readMs = readMs;
    this.#log = logsOf(client).observer;
    this.#actions = new ActionAnswers(this.#said, options, this.#log);
  }

  /**
   * Answers a request; it never rejects.
   *
   * @param request The request.
   */
  async answer(request: Request): Promise<Response> {
    const { path, trustProxy = false } = this.#options;
    const place = placeOf(request, path, trustProxy);
    const answer = assetAnswer(place.pathname, request) ?? await this.#page(request, place);
    return request.method === "HEAD" ? withoutBody(answer) : answer;
  }

  async #page(request: Request, place: Place): Promise<Response> {
    let viewer: Viewer | null = null;
    try {
      const found = await this.#options.access(request);
      if (found instanceof Response) return found;
      viewer = found;
      if (viewer === null) throw new ObserverError("UNKNOWN_VIEWER", "No one is signed in");
      checkViewer(viewer);
      return await this.#route(request, place, viewer);
    } catch (error) {
      return this.#failed(error, request, place, viewer);
    }
  }

  async #route(request: Request, place: Place, viewer: Viewer): Promise<Response> {
    const { pathname, base } = place;
    const namespace = this.#namespaceOf(place);
    if (pathname === "") {
      const to = `${segmentOf(namespace)}/${new URL(request.url).search}`;
      return redirectAnswer(to, [], 308);
    }
    if (pathname !== "/" && pathname.endsWith("/")) {
      return redirectAnswer(
        `../${pathname.split("/").at(-2)}${new URL(request.url).search}`,
        [],
        308,
      );
    }
    checkVersion(request);
    const own = this.#rights(viewer, null);
    const isPost = request.method === "POST";
    if (pathname === "/preferences" && isPost) {
      return await this.#prefer(request, place, this.#anyRights(viewer, namespace));
    }
    const found = this.#router.find(pathname);
    if (found === null) {
      demand(["read"], this.#anyRights(viewer, namespace));
      throw new ObserverError("NOT_FOUND", "There is no such page");
    }
    const { route, params } = found;
    const rights = route.anywhere
      ? this.#anyRights(viewer, namespace)
      : this.#rights(viewer, route.everywhere ? null : namespace);
    if (pathname === "/" && place.namespace === null && !rights.has("read")) {
      const isElsewhere = this.#anyRights(viewer, namespace).has("read");
      const wantsPage = formOf(request.headers.get("accept")) === "html";
      if (isElsewhere && wantsPage) return redirectAnswer(`${base}${NAMESPACES}`);
    }
    demand(route.rights, rights);
    checkMethod(request, route);
    if (isPost) checkOrigin(request, place);
    const query = new URL(request.url).searchParams;
    const given = new Given(fieldsOfForm(query), isPost ? [] : parametersOf(route));
    given.check();
    const view = this.#view(request, place, viewer, rights, query);
    const { reader, actor } = this.#clientsOf(namespace);
    const named = this.#namesOf(viewer);
    const asked: Asked = {
      request,
      view,
      actor,
      form: formOf(request.headers.get("accept")),
      // A program says itself how long the replays that it asks for may take.
      read: (work) =>
        route.kind === "data"
          ? work()
          : waitFor(ANSWER_MS, () => tooLong(ANSWER_MS, "answer"), work()),
      redacted: (data) =>
        route.kind === "data"
          ? redacted(data, rights.has("payloads"), this.#options.redact)
          : withoutFolders(redacted(data, rights.has("payloads"), this.#options.redact)),
      base,
      said: this.#said.of(query.get(SAID.name)),
      look: {
        client: reader,
        params,
        given,
        by: viewer.name,
        may: (right) => rights.has(right),
        seesValues: rights.has("payloads") && this.#options.redact === undefined,
        mayEverywhere: own.has("read"),
        namespaces: {
          own: this.#client.namespace,
          named,
          mayRead: (name) => this.#rights(viewer, name).has("read"),
        },
        heavy: (work) => this.#looks.heavy(work),
        kept: (key, make, weight) =>
          this.#looks.kept(JSON.stringify([namespace, ...key]), make, weight),
      },
    };
    if (route.kind === "data") return await this.#data(route, asked);
    if (route.kind === "file") {
      return fileAnswer(await asked.read(() => route.file(asked.look)), {
        [RELEASE_HEADER]: RELEASE,
        [NAMESPACE_HEADER]: encodeURIComponent(view.namespace),
      });
    }
    if (route.kind === "action") {
      const answer = await this.#actions.answer(route, asked);
      if (isPost) this.#looks.forget(); // the page after it reads anew
      return answer;
    }
    return await this.#show(route, asked, rights);
  }

  async #show(route: PageRoute, asked: Asked, rights: ReadonlySet<string>): Promise<Response> {
    const { request, view, form, said } = asked;
    const query = new URLSearchParams(view.query);
    query.delete(SAID.name);
    const key = JSON.stringify([
      view.namespace,
      route.path,
      asked.look.params,
      query.toString(),
      asked.look.mayEverywhere,
      [...rights].sort(),
    ]);
    const { now } = view;
    let read: Json;
    try {
      const load = () => route.load(asked.look);
      // What a page about all namespaces shows follows from the viewer's rights in each.
      read = await asked.read(() => route.anywhere ? load() : this.#looks.shared(key, load));
    } catch (error) {
      if (!route.remembers || form === "json" || !isAway(error)) throw error;
      const known = this.#looks.remembered<Json>(key, now);
      if (known === null) throw error;
      const page = await route.page(asked.redacted(known.data), view);
      const warning = html`
        <p class="strong">The database has not answered since ${time(
          view,
          known.awaySince.toISOString(),
        )}</p>
        <p>This is what was known ${ago(
          view,
          known.at.toISOString(),
        )}. The page tries again by itself.</p>
      `;
      return htmlAnswer(frame(page, view, { live: AWAY_SECONDS, said, warning }), 503);
    }
    if (route.remembers) this.#looks.remember(key, read, now);
    const data = asked.redacted(read);
    if (route.file !== undefined && asked.look.given.one(FILE) !== null) {
      return fileAnswer(route.file(data));
    }
    const facts = plain(route.facts === undefined ? data : route.facts(data));
    const { theme, zone } = view;
    const tag = tagOf([form, theme, zone, said, view.by, [...rights].sort(), facts]);
    if (hasAnswer(request, tag)) return unchangedAnswer(tag);
    if (form === "json") return jsonAnswer(data, 200, { etag: tag });
    const live = typeof route.live === "function" ? route.live(data) : route.live ?? null;
    const page = await asked.read(async () => await route.page(data, view));
    return htmlAnswer(frame(page, view, { live, said }), 200, { etag: tag });
  }

  /** A command line of another release would read what it does not know (SERVER-2). */
  async #data(route: DataRoute, { request, view, look, read, redacted }: Asked): Promise<Response> {
    const release = request.headers.get(RELEASE_HEADER);
    if (release !== null && release !== RELEASE) {
      throw otherVersion(`Cannot answer release ${release}: this is ${RELEASE}`, release);
    }
    const given = request.method === "POST" ? await argsIn(request, route) : look.given;
    const result = redacted(await read(() => route.load({ ...look, given })));
    const { namespace } = view;
    return jsonAnswer({ namespace, result }, 200, { [RELEASE_HEADER]: RELEASE });
  }

  async #prefer(
    request: Request,
    place: Place,
    rights: ReadonlySet<string>,
  ): Promise<Response> {
    demand(["read"], rights);
    checkOrigin(request, place);
    const fields = fieldsOfForm(new URLSearchParams(await readBody(request)));
    const given = new Given(fields, CHOICES);
    given.check();
    const back = given.one(BACK) ?? "";
    // Visible ASCII that begins as a path below this observer does, and leads to no other server.
    const isBelow =
      /^(?:(?!\.{1,2}(?:\/|$))[\w.~%-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.~%-]+)*)?(?:\?[!-\[\]-~]*)?$/
        .test(back);
    const to = isBelow ? back : "";
    return redirectAnswer(`${place.base}${to}`, cookiesFor(given, place.cookiePath));
  }

  #failed(error: unknown, request: Request, place: Place, viewer: Viewer | null): Response {
    const shown = shownError(error);
    if (shown.status >= 500) {
      this.#log.error("Cannot answer {method} {path}: {error}", {
        method: request.method,
        path: place.pathname,
        error,
      });
    }
    const { status, code, message, details, next } = shown;
    const headers: Record<string, string> = code === "METHOD"
      ? { allow: String(details.allowed).replaceAll(",", ", ") }
      : {};
    if (formOf(request.headers.get("accept")) === "json") {
      return jsonAnswer({ error: { code, message, details, next } }, status, headers);
    }
    const rights = viewer === null ? new Set<never>() : this.#rights(viewer, null);
    const query = new URL(request.url).searchParams;
    const someone = viewer ?? { name: "", may: [] };
    const view = this.#view(request, place, someone, rights, query);
    // What may pass by itself is tried again.
    const live = status === 503 ? AWAY_SECONDS : null;
    return htmlAnswer(frame(errorPage(shown, view), view, { live, said: null }), status, headers);
  }

  #rights(viewer: Viewer, namespace: string | null) {
    return rightsOf(viewer, namespace, this.#options.readOnly === true);
  }

  /** The rights in a namespace; without any there, `read` if the viewer may look at anything at all. */
  #anyRights(viewer: Viewer, namespace: string): ReadonlySet<Right> {
    const rights = this.#rights(viewer, namespace);
    if (rights.has("read")) return rights;
    const reads = this.#namesOf(viewer).length > 0 || this.#rights(viewer, null).has("read");
    return new Set(reads ? ["read"] : []);
  }

  /** The namespaces that a viewer's rights name, and the client's, if they may look there. */
  #namesOf(viewer: Viewer): string[] {
    const names = new Set([this.#client.namespace, ...Object.keys(viewer.namespaces ?? {})]);
    return [...names].filter((name) => this.#rights(viewer, name).has("read"));
  }

  #namespaceOf({ namespace }: Place): string {
    return namespace === null
      ? this.#client.namespace
      : checkText(namespace, "the namespace of this address");
  }

  #clientsOf(namespace: string): Clients {
    const found = this.#inside.get(namespace);
    if (found !== undefined) return found;
    const actor = inside(this.#client, namespace);
    const clients = { actor, reader: limitedTo(actor, this.#readMs) };
    if (this.#inside.size >= MOST_CLIENTS) this.#inside.clear(); // they hold nothing
    this.#inside.set(namespace, clients);
    return clients;
  }

  #view(
    request: Request,
    { base, root, pathname, namespace }: Place,
    viewer: Viewer,
    rights: ReadonlySet<string>,
    query: URLSearchParams,
  ): View {
    return {
      ...preferencesOf(request),
      to: linksFrom(base),
      root: linksFrom(root),
      path: pathname.split("/").slice(1).map((segment) => textOfSegment(segment) ?? ""),
      query,
      now: new Date(),
      by: viewer.name,
      namespace: namespace ?? this.#client.namespace,
      hasOthers: this.#rights(viewer, null).has("read") || this.#namesOf(viewer).length > 1,
      isReadOnly: this.#options.readOnly === true,
      may: (right) => rights.has(right),
    };
  }
}

function isAway(error: unknown): boolean {
  return isContinuumError(error, "DATABASE_UNAVAILABLE");
}

/** The arguments of a reading that are too long for an address. */
async function argsIn(request: Request, route: DataRoute): Promise<Given> {
  const args = await readBody(request);
  const given = new Given(fieldsOfForm(new URLSearchParams({ args })), parametersOf(route));
  given.check();
  return given;
}

function checkVersion({ headers }: Request): void {
  const wanted = headers.get(API_HEADER);
  if (wanted === null || wanted === API_VERSION) return;
  const message = `Cannot answer in version ${wanted} of the JSON API: this one has ${API_VERSION}`;
  throw otherVersion(message, wanted);
}

function otherVersion(message: string, wanted: string): ObserverError {
  return new ObserverError("UNSUPPORTED_VERSION", message, {
    wanted,
    has: API_VERSION,
    release: RELEASE,
  });
}

function demand(needed: readonly string[], rights: ReadonlySet<string>): void {
  const missing = needed.filter((right) => !rights.has(right));
  if (missing.length === 0) return;
  const message = `This needs the right ${missing.join(", ")}, which you do not have`;
  throw new ObserverError("NOT_ALLOWED", message, { missing });
}

function checkMethod({ method }: Request, { kind }: Route): void {
  const takesBody = kind === "action" || kind === "data";
  const allowed = takesBody ? ["GET", "HEAD", "POST"] : ["GET", "HEAD"];
  if (allowed.includes(method)) return;
  throw new ObserverError("METHOD", `Cannot answer ${method} here, wanted ${allowed.join(", ")}`, {
    allowed,
  });
}

function checkOrigin(request: Request, { host }: Place): void {
  if (bodyKindOf(request) === null) {
    const message = "Cannot read the body of this request, wanted JSON or the fields of a form";
    throw new ObserverError("UNSUPPORTED_BODY", message);
  }
  if (isOwnRequest(request, host)) return;
  throw new ObserverError(
    "FOREIGN_REQUEST",
    "This request does not come from the observer's pages",
    { host, origin: request.headers.get("origin") },
  );
}
