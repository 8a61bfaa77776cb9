/**
 * What a page and an action of the observer are. `routes.ts` says how to add one.
 *
 * @module
 */

import type { Continuum } from "../operate/client.ts";
import type { Json } from "../operate/plain.ts";
import type { Fields } from "./fields.ts";
import type { Content, Html } from "./html.ts";
import type { Link } from "./links.ts";
import type { Given, Parameter } from "./parameters.ts";
import type { Right } from "./rights.ts";
import type { View } from "./view.ts";

/** In which namespaces a viewer may look. */
export interface Namespaces {
  /** That of the client. */
  readonly own: string;
  /** Those that the viewer's rights name, and the client's, if they may look there. */
  readonly named: readonly string[];
  /**
   * Whether the viewer may look at a namespace.
   *
   * @param name The namespace.
   */
  mayRead(name: string): boolean;
}

/** What a route reads from, and acts on. */
export interface Look {
  /** The client. */
  readonly client: Continuum;
  /** The texts of the path's parameters. */
  readonly params: Readonly<Record<string, string>>;
  /** What the address or the form says (GIVEN-1). */
  readonly given: Given;
  /** Who looks. */
  readonly by: string;
  /**
   * Whether the viewer has a right. What depends on it may be left out of the data.
   *
   * @param right The right.
   */
  may(right: Right): boolean;
  /** Whether the viewer sees all values as they are: none is withheld or replaced. */
  readonly seesValues: boolean;
  /** Whether the viewer may look at what concerns the whole database. */
  readonly mayEverywhere: boolean;
  /** In which namespaces the viewer may look. */
  readonly namespaces: Namespaces;
  /**
   * Does something that costs much, such as a replay. At most four such things are under way.
   *
   * @param work Does it.
   */
  heavy<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * Keeps a result of this observer, as long as what it depends on is the same.
   *
   * @param key What it depends on.
   * @param make Makes it.
   * @param weight How large it is; 1 when omitted. What was not asked for the longest goes, once all
   * weigh more than 200.
   */
  kept<Result>(
    key: readonly Json[],
    make: () => Promise<Result>,
    weight?: number,
  ): Promise<Result>;
}

/** A page, without the frame around it. */
export interface Page {
  /** The title. */
  readonly title: string;
  /** Whether the title is an id, which people copy. */
  readonly isId?: true;
  /** What stands above the title: the way back. */
  readonly trail?: readonly { readonly text: string; readonly to: Link }[];
  /** What stands at the side of the title. */
  readonly aside?: Content;
  /** Its content. */
  readonly body: Html;
}

/** What a page and an action have in common. */
interface RouteBase {
  /** The path, such as `/runs/:id/timeline`. */
  readonly path: string;
  /** The rights that it needs; `read` is one of them (RIGHT-1). */
  readonly rights: readonly ["read", ...Right[]];
  /** Whether it concerns the whole database, and not one namespace. */
  readonly everywhere?: true;
  /** Whether `read` in any namespace is enough. */
  readonly anywhere?: true;
  /** Its parameters (GIVEN-1); none when omitted. */
  readonly parameters?: readonly Parameter[];
}

/** A page, and the JSON at the same path. */
export interface PageRoute<Data = Json> extends RouteBase {
  /** Kind of route. */
  readonly kind: "page";
  /** How many seconds after the last look a browser looks again; never when omitted. */
  readonly live?: number | ((data: Data) => number | null);
  /**
   * Reads the data: what the JSON API answers.
   *
   * @param look What to read from.
   */
  load(look: Look): Promise<Data>;
  /**
   * Renders the data, which has been redacted.
   *
   * @param data What `load` returned.
   * @param view Links, rights and times.
   */
  page(data: Data, view: View): Page | Promise<Page>;
  /** Whether the page shows what was known last while the database is away. */
  readonly remembers?: true;
  /**
   * The data as a file, for `?file=1`; there is none when omitted.
   *
   * @param data What `load` returned, redacted.
   */
  file?(data: Data): File;
  /**
   * What of the data a change of the page follows from; all of it when omitted.
   *
   * @param data What `load` returned.
   */
  facts?(data: Data): Json;
}

/** A file to keep. */
export interface File {
  /** Its name. */
  readonly name: string;
  /** Its media type. */
  readonly type: string;
  /** Its bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A file, which browsers keep and never show. */
export interface FileRoute extends RouteBase {
  /** Kind of route. */
  readonly kind: "file";
  /**
   * Makes the file. Redaction does not pass through it: it holds no values unless `look.seesValues`.
   *
   * @param look What to read from.
   */
  file(look: Look): Promise<File>;
}

/** JSON without a page. */
export interface DataRoute extends RouteBase {
  /** Kind of route. */
  readonly kind: "data";
  /**
   * Reads the data.
   *
   * @param look What to read from.
   */
  load(look: Look): Promise<unknown>;
}

/** An action: a plan, a page that asks for consent, and the deed. */
export interface ActionRoute<Plan = Json, Outcome = Json> extends RouteBase {
  /** Kind of route. */
  readonly kind: "action";
  /** What is done, as the record of operations names it. */
  readonly action: string;
  /** Whether a reason must be given. */
  readonly needsReason: boolean;
  /**
   * Reads what is to be changed, and changes nothing.
   *
   * @param look What to read from.
   * @param fields What was chosen so far.
   */
  plan(look: Look, fields: Fields): Promise<Plan>;
  /**
   * Renders the plan, and the fields that the deed takes.
   *
   * @param plan The plan.
   * @param view Links, rights and times.
   * @param fields What was entered so far.
   */
  confirm(plan: Plan, view: View, fields: Fields): Confirmation;
  /**
   * Does it, only if everything is as the plan has it.
   *
   * @param look What to act on.
   * @param plan The plan: made anew, and the same as the one that was looked at (ACTION-1).
   * @param fields What was entered.
   */
  deed(look: Look, plan: Plan, fields: Fields): Promise<Outcome>;
  /** The ids of what the plan would change. */
  targets(plan: Plan): readonly string[];
  /**
   * What the audit says came of it ({@linkcode AuditEntry.outcome}); `done` when omitted.
   *
   * @param outcome What `deed` returned.
   */
  outcome?(outcome: Outcome): string;
  /**
   * What must be the same when the deed begins as when the plan was looked at; all of the plan when
   * omitted.
   */
  fence?(plan: Plan): Json;
  /**
   * What came of it.
   *
   * @param outcome What `deed` returned.
   * @param view Links, rights and times.
   */
  done(outcome: Outcome, view: View): Done;
}

/** What a page that asks for consent shows. */
export interface Confirmation extends Page {
  /** What the button says, such as `Terminate 3 runs`. */
  readonly button: string;
  /** Whether what follows can't be undone. */
  readonly grave?: boolean;
  /** Whether there is nothing to do: no button then. */
  readonly nothing?: boolean;
  /** Whether something has to be chosen first: then the button leads to the plan, and not to the deed. */
  readonly unfinished?: boolean;
  /** Where the way back leads. */
  readonly back: Link;
}

/** What came of an action. */
export interface Done {
  /** A sentence. */
  readonly says: string;
  /** Where to continue. */
  readonly to: Link;
  /** What has to be read before that, such as failures; the browser continues at once when omitted. */
  readonly page?: Page;
}

/** A page, an action, a file, or JSON without a page. */
export type Route = PageRoute | ActionRoute | FileRoute | DataRoute;

/**
 * Defines a page.
 *
 * @param route The page; its kind is added.
 */
export function definePage<Data extends object>(route: Omit<PageRoute<Data>, "kind">): PageRoute {
  // The handler passes to a route only what the same route has returned.
  return { ...route, kind: "page" } as unknown as PageRoute;
}

/**
 * Defines an action.
 *
 * @param route The action; its kind is added.
 */
export function defineAction<Plan extends object, Outcome extends object>(
  route: Omit<ActionRoute<Plan, Outcome>, "kind">,
): ActionRoute {
  return { ...route, kind: "action" } as unknown as ActionRoute;
}

/**
 * Defines a file.
 *
 * @param route The file; its kind is added.
 */
export function defineFile(route: Omit<FileRoute, "kind">): FileRoute {
  return { ...route, kind: "file" };
}
