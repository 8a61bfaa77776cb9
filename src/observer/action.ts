/**
 * Answers actions: shows the plan and asks, then does it and says what came of it.
 *
 * - ACTION-1: a deed follows a plan that its viewer has looked at. The request brings the tag of that
 *   plan; the plan is made anew, and if the tags differ, nothing is done and the new plan is shown.
 * - ACTION-2: every deed that was begun is in the audit, also one that failed. The client that does it
 *   records it in the database, too, in the transaction that does it (OPERATION-1).
 *
 * @module
 */

import { refuse } from "../base/arguments.ts";
import type { AuthoredLog } from "../base/authored.ts";
import { inWords } from "../base/describe.ts";
import { MAX_ACTOR } from "../base/operator_limits.ts";
import { RELEASE } from "../base/release.ts";
import { messageOf } from "../base/text.ts";
import type { Json } from "../operate/plain.ts";
import { RELEASE_HEADER } from "../operate/readings/api.ts";
import { htmlAnswer, jsonAnswer, redirectAnswer, tagOf } from "./answers.ts";
import type { Asked } from "./asked.ts";
import { readBody } from "./body.ts";
import { confirmPage } from "./confirm.ts";
import { bodyKindOf } from "./csrf.ts";
import { exactJson } from "./exact_json.ts";
import { ObserverError, shownError } from "./errors.ts";
import { type Fields, fieldsOfForm, fieldsOfJson } from "./fields.ts";
import { frame } from "./frame.ts";
import type { AuditEntry, ObserverOptions } from "./options.ts";
import { Given } from "./parameters.ts";
import type { ActionRoute } from "./route.ts";
import { parametersOf, REASON, SEEN } from "./route_parameters.ts";
import type { Said } from "./said.ts";
import type { View } from "./view.ts";

/** The longest list of targets in the audit. */
const MOST_TARGETS = 1_000;

/** Answers the actions of one observer. */
export class ActionAnswers {
  readonly #said: Said;
  readonly #options: ObserverOptions;
  readonly #log: AuthoredLog;

  /**
   * @param said Keeps what actions said, for the page after them.
   * @param options Where the audit goes.
   * @param log The observer's log.
   */
  constructor(said: Said, options: ObserverOptions, log: AuthoredLog) {
    this.#said = said;
    this.#options = options;
    this.#log = log;
  }

  /**
   * Answers a request for an action.
   *
   * @param route The action.
   * @param asked What was asked.
   */
  async answer(route: ActionRoute, request: Asked): Promise<Response> {
    const fields = await fieldsOf(request);
    const given = new Given(fields, parametersOf(route));
    const isEntered = request.request.method === "POST" && request.form === "html";
    if (!isEntered) given.check();
    const asked = { ...request, look: { ...request.look, given } };
    const plan = await asked.read(() => route.plan(asked.look, fields)).catch((error: unknown) => {
      throw given.fault ?? error; // what was sent can't be read, whatever the plan says
    });
    const tag = tagOf([route.fence === undefined ? plan : route.fence(plan)]);
    const seen = given.one(SEEN);
    // What was entered is shown again, with what is wrong in it.
    if (given.fault !== null) {
      return this.#ask(route, asked, { plan, tag, fields, fault: given.fault });
    }
    if (asked.request.method !== "POST" || seen === null) {
      return this.#ask(route, asked, { plan, tag, fields, fault: null });
    }
    try {
      if (seen !== tag) {
        throw new ObserverError("CHANGED", "This has changed since you looked: nothing was done");
      }
      const reason = given.one(REASON);
      if (route.needsReason && reason === null) {
        throw new ObserverError("REASON_MISSING", "A reason is needed: it is kept in the audit");
      }
      const outcome = await this.#do(route, asked, plan, fields);
      return this.#tell(route, asked, asked.redacted(outcome));
    } catch (fault) {
      if (asked.form === "json" || shownError(fault).status >= 500) throw fault;
      return this.#ask(route, asked, { plan, tag, fields, fault });
    }
  }

  async #do(route: ActionRoute, asked: Asked, plan: Json, fields: Fields): Promise<Json> {
    const { look, view, actor } = asked;
    const entry = {
      at: view.now.toISOString(),
      by: look.by,
      action: route.action,
      namespace: route.everywhere ? null : view.namespace,
      targets: route.targets(plan).slice(0, MOST_TARGETS),
      reason: look.given.one(REASON),
    };
    try {
      const { reason } = entry;
      const who = { name: look.by.toWellFormed().slice(0, MAX_ACTOR), proven: true };
      const client = actor.asOperator(reason === null ? who : { ...who, reason });
      const outcome = await route.deed({ ...look, client }, plan, fields);
      this.#audit({ ...entry, outcome: route.outcome?.(outcome) ?? "done" });
      return outcome;
    } catch (error) {
      this.#audit({ ...entry, outcome: shownError(error).code });
      throw error;
    }
  }

  #audit(entry: AuditEntry): void {
    try {
      this.#options.audit?.(entry);
    } catch (error) {
      this.#log.error("The option audit threw: {error}", { error });
    }
  }

  #ask(
    route: ActionRoute,
    { form, view, redacted }: Asked,
    { plan, tag, fields, fault }: {
      readonly plan: Json;
      readonly tag: string;
      readonly fields: Fields;
      readonly fault: unknown;
    },
  ): Response {
    const shown = redacted(plan);
    if (form === "json") return jsonOf(view, { plan: shown, seen: tag });
    const error = fault === null ? null : shownError(fault);
    const confirmation = route.confirm(shown, view, fields);
    const { needsReason } = route;
    const page = confirmPage(confirmation, { view, tag, fields, error, needsReason });
    return htmlAnswer(frame(page, view, { live: null, said: null }), error?.status ?? 200);
  }

  #tell(route: ActionRoute, { form, view }: Asked, outcome: Json): Response {
    if (form === "json") return jsonOf(view, { outcome });
    const { says, to, page } = route.done(outcome, view);
    if (page !== undefined) return htmlAnswer(frame(page, view, { live: null, said: says }));
    const target = to.toString();
    const join = target.includes("?") ? "&" : "?";
    return redirectAnswer(`${target}${join}said=${this.#said.keep(says)}`);
  }
}

/** Says which release and which namespace answers, as readings do (SERVER-2). */
function jsonOf({ namespace }: View, data: object): Response {
  return jsonAnswer({ namespace, ...data }, 200, { [RELEASE_HEADER]: RELEASE });
}

async function fieldsOf({ request, view }: Asked): Promise<Fields> {
  if (request.method !== "POST") return fieldsOfForm(view.query);
  const body = await readBody(request);
  if (bodyKindOf(request) === "form") return fieldsOfForm(new URLSearchParams(body));
  return fieldsOfJson(parsed(body));
}

function parsed(body: string): Json {
  try {
    return exactJson(body);
  } catch (error) {
    return refuse("the body of a request", inWords(messageOf(error)), "JSON");
  }
}
