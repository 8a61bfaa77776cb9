/**
 * Answers requests: finds the route, holds it to the viewer's rights, reads, redacts, and renders.
 *
 * - HANDLER-1: the order is the same for every route: who asks, which route, which rights, where the
 *   request comes from, and only then is anything read. GET and HEAD change nothing.
 *
 * @module
 */

import { textOfSegment } from "../base/url_segment.ts";
import { RELEASE } from "../base/release.ts";
import type { AuthoredLog } from "../base/authored.ts";
import { type Continuum, limitedTo, logsOf } from "../operate/client.ts";
import { plain } from "../operate/plain.ts";
import { API_HEADER, API_VERSION, RELEASE_HEADER } from "../operate/readings/api.ts";
import { ActionAnswers } from "./action.ts";
import { ANSWER_MS, READ_MS, tooLong, waitFor } from "./bounds.ts";
import {
  fileAnswer,
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
import { frame } from "./frame.ts";
import { fieldsOfForm } from "./fields.ts";
import { readBody } from "./body.ts";
import { linksFrom } from "./links.ts";
import { Looks } from "./looks.ts";
import { formOf } from "./negotiate.ts";
import type { ObserverOptions } from "./options.ts";
import { errorPage } from "./pages/error.ts";
import { type Place, placeOf } from "./place.ts";
import { cookiesFor, preferencesOf } from "./preferences.ts";
import { redacted } from "./redaction.ts";
import type { Asked } from "./asked.ts";
import { checkViewer, rightsOf, type Viewer } from "./rights.ts";
import type { DataRoute, PageRoute, Route } from "./route.ts";
import { Router } from "./router.ts";
import { ROUTES } from "./routes.ts";
import { Said } from "./said.ts";
import type { View } from "./view.ts";

/** Answers the requests of one observer. */
export class Handler {
  readonly #client: Continuum;
  readonly #options: ObserverOptions;
  readonly #router = new Router(ROUTES);
  readonly #looks = new Looks();
  readonly #said = new Said();
  readonly #actions: ActionAnswers;
  readonly #log: AuthoredLog;
  /** Reads, within the time that reads have (BOUNDS-1). */
  readonly #reader: Continuum;

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
    this.#reader = limitedTo(client, readMs);
    this.#log = logsOf(client).observer;
    this.#actions = new ActionAnswers(client, this.#said, options, this.#log);
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
      return await this.#prefer(request, place, this.#rights(viewer, this.#client.namespace));
    }
    const found = this.#router.find(pathname);
    if (found === null) {
      demand(["read"], own.size > 0 ? own : this.#rights(viewer, this.#client.namespace));
      throw new ObserverError("NOT_FOUND", "There is no such page");
    }
    const { route, params } = found;
    const rights = this.#rights(viewer, route.everywhere ? null : this.#client.namespace);
    demand(route.rights, rights);
    checkMethod(request, route);
    if (isPost) checkOrigin(request, place);
    const query = new URL(request.url).searchParams;
    const view = this.#view(request, place, viewer, rights, query);
    const asked: Asked = {
      request,
      view,
      form: formOf(request.headers.get("accept")),
      // A program says itself how long the replays that it asks for may take.
      read: (work) =>
        route.kind === "data"
          ? work()
          : waitFor(ANSWER_MS, () => tooLong(ANSWER_MS, "answer"), work()),
      redacted: (data) => redacted(data, rights.has("payloads"), this.#options.redact),
      base,
      said: this.#said.of(query.get("said")),
      look: {
        client: this.#reader,
        params,
        query,
        by: viewer.name,
        may: (right) => rights.has(right),
        seesValues: rights.has("payloads") && this.#options.redact === undefined,
        mayEverywhere: own.has("read"),
        heavy: (work) => this.#looks.heavy(work),
        kept: (key, make, weight) => this.#looks.kept(JSON.stringify(key), make, weight),
      },
    };
    if (route.kind === "data") return await this.#data(route, asked);
    if (route.kind === "file") return fileAnswer(await asked.read(() => route.file(asked.look)));
    if (route.kind === "action") {
      const answer = await this.#actions.answer(route, asked);
      if (isPost) this.#looks.forget(); // the page after it reads anew
      return answer;
    }
    return await this.#show(route, asked, rights);
  }

  async #show(route: PageRoute, asked: Asked, rights: ReadonlySet<string>): Promise<Response> {
    const { request, view, form, said } = asked;
    const query = new URLSearchParams(asked.look.query);
    query.delete("said");
    const key = JSON.stringify([
      route.path,
      asked.look.params,
      query.toString(),
      asked.look.mayEverywhere,
      [...rights].sort(),
    ]);
    const read = await asked.read(() => this.#looks.shared(key, () => route.load(asked.look)));
    const data = asked.redacted(read);
    if (route.file !== undefined && query.has("file")) return fileAnswer(route.file(data));
    const facts = plain(route.facts === undefined ? data : route.facts(data));
    const { theme, zone } = view;
    const tag = tagOf([form, theme, zone, said, view.by, [...rights].sort(), facts]);
    if (request.headers.get("if-none-match") === tag) return unchangedAnswer(tag);
    if (form === "json") return jsonAnswer(data, 200, { etag: tag });
    const live = typeof route.live === "function" ? route.live(data) : route.live ?? null;
    const page = await asked.read(async () => await route.page(data, view));
    return htmlAnswer(frame(page, view, { live, said }), 200, { etag: tag });
  }

  /** A command line of another release would read what it does not know (SERVER-2). */
  async #data(route: DataRoute, { request, look, read, redacted }: Asked): Promise<Response> {
    const release = request.headers.get(RELEASE_HEADER);
    if (release !== null && release !== RELEASE) {
      throw otherVersion(`Cannot answer release ${release}: this is ${RELEASE}`, release);
    }
    const result = redacted(await read(() => route.load(look)));
    const { namespace } = this.#client;
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
    const back = fields.text("back") ?? "";
    // Visible ASCII that begins as a path below this observer does, and leads to no other server.
    const isBelow =
      /^(?:(?!\.{1,2}(?:\/|$))[\w.~%-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.~%-]+)*)?(?:\?[!-\[\]-~]*)?$/
        .test(back);
    const to = isBelow ? back : "";
    return redirectAnswer(`${place.base}${to}`, cookiesFor(fields, place.cookiePath));
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
    const live = status === 503 ? 5 : null;
    return htmlAnswer(frame(errorPage(shown, view), view, { live, said: null }), status, headers);
  }

  #rights(viewer: Viewer, namespace: string | null) {
    return rightsOf(viewer, namespace, this.#options.readOnly === true);
  }

  #view(
    request: Request,
    { base, pathname }: Place,
    viewer: Viewer,
    rights: ReadonlySet<string>,
    query: URLSearchParams,
  ): View {
    return {
      ...preferencesOf(request),
      to: linksFrom(base),
      path: pathname.split("/").slice(1).map((segment) => textOfSegment(segment) ?? ""),
      query,
      now: new Date(),
      by: viewer.name,
      namespace: this.#client.namespace,
      isReadOnly: this.#options.readOnly === true,
      may: (right) => rights.has(right),
    };
  }
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
  const allowed = kind === "action" ? ["GET", "HEAD", "POST"] : ["GET", "HEAD"];
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
  );
}
