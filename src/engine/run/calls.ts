/**
 * `call` commands of runs: what they do to other runs, and what they wait for of them.
 *
 * - CALL-1: a command that waits is carried out again whenever its run is loaded, and whenever a message
 *   says that something is there (AWAIT-2 of `store/awaits.ts`). It sends its ask once, by the id that
 *   follows from its place, and answers with what it finds. So no message holds an answer, and none can
 *   be lost with one.
 *
 * @module
 */

import {
  askFailed,
  askNotFound,
  askUnanswered,
  endError,
  NotPublishedError,
  readError,
  runEnded,
  runNotFound,
} from "../../base/run_errors.ts";
import { quoteId } from "../../base/describe.ts";
import { checkPayload } from "../../base/payload.ts";
import { messageId } from "../../base/run_ids.ts";
import { encode } from "../../base/values.ts";
import type { AskRow, Awaited } from "../../ports/answers.ts";
import type { ClaimedRun } from "../../ports/rows.ts";
import type { Delivery, RunStore } from "../../ports/store.ts";
import { askText } from "../../replay/asks.ts";
import type { CallRequest, LockAnswer } from "../../replay/commands.ts";
import type { NodeContext } from "../node_context.ts";
import { type Children, isThere, type RequestPlace } from "./children.ts";

/** The outcome of a command: its encoded answer (`null`: it has none of its own), or that it waits. */
export type CallOutcome = { readonly answer: string | null } | "waits";

/** A call on another run. */
type CallOf<Kind extends CallRequest["kind"]> = Extract<CallRequest, { readonly kind: Kind }>;

/** Carries out `call` commands. */
export class Calls {
  readonly #node: NodeContext;
  readonly #children: Children;

  /**
   * @param node The node.
   * @param children Starts and ends children.
   */
  constructor(node: NodeContext, children: Children) {
    this.#node = node;
    this.#children = children;
  }

  /**
   * Carries out a command. Repeating it does no harm.
   *
   * @param run The run.
   * @param call What it requests.
   * @param place Where.
   * @param input The encoded input.
   */
  async carryOut(
    run: ClaimedRun,
    call: CallRequest,
    place: RequestPlace,
    input: string,
  ): Promise<CallOutcome> {
    switch (call.kind) {
      case "start":
        await this.#children.start(run, call.child, place, input);
        return { answer: null };
      case "cancel": {
        const reason = call.tells === true ? `run ${run.runId} asked for it` : BY_PARENT;
        const isDelivered = await this.#children.cancel(run, call.id, reason);
        return { answer: call.tells === true ? encode(isDelivered) : null };
      }
      case "signal": {
        const delivery = await this.#send(run, call, place, input);
        return { answer: call.tells === true ? encode(isThere(delivery)) : null };
      }
      case "lock":
        return { answer: await this.#lock(run, call, place.command.position) };
      case "unlock": {
        const { woken } = await this.#node.store.limits.unlock(run.id, call.position);
        if (woken.length > 0) this.#node.wakeups.wakeRuns(woken);
        return { answer: encode(call.position) };
      }
      case "attributes": {
        const row = await this.#node.store.runs.in(run.namespace).get(run.runId);
        return { answer: encode(row?.attributes ?? {}) };
      }
      case "ask":
        return await this.#ask(run, call, place, input);
      case "published":
        return await this.#published(run, call, place);
      case "result":
        return await this.#result(run, call, place);
    }
  }

  /** Asks for a lock; a node that has lost the run writes no answer. */
  async #lock(
    { id, token, namespace }: ClaimedRun,
    { name, atOnce, toldBy }: CallOf<"lock">,
    position: number,
  ): Promise<string> {
    const asked = { run: id, token, namespace, position, name, atOnce, toldBy };
    const change = await this.#node.store.limits.lock(asked);
    const { isHeld: held, woken } = change ?? { isHeld: false, woken: [] };
    if (woken.length > 0) this.#node.wakeups.wakeRuns(woken);
    return encode({ held, lock: name, atOnce, toldBy } satisfies LockAnswer);
  }

  async #ask(
    run: ClaimedRun,
    call: CallOf<"ask">,
    place: RequestPlace,
    input: string,
  ): Promise<CallOutcome> {
    const { id, name } = call;
    const action = `ask by signal ${quoteId(name)}`;
    const askId = messageId(run, place.command, place.command.nth);
    let isSent = false;
    const find = async (runs: RunStore) => {
      const row = await runs.answer(id, askId);
      if (row === null) return null;
      if (row.status !== "unknown" || isSent) return answerOf({ runId: id, askId }, row);
      const delivery = await this.#send(run, call, place, input);
      if (delivery.status === "not_found") return null;
      if (delivery.status === "ended") throw runEnded(id, action, delivery.state);
      isSent = true;
    };
    return await this.#await(run, id, action, place, { kind: "answer", name: askId }, find);
  }

  async #published(
    run: ClaimedRun,
    { id, name }: CallOf<"published">,
    place: RequestPlace,
  ): Promise<CallOutcome> {
    const find = async (runs: RunStore) => {
      const row = await runs.published(id, name);
      if (row === null || row.status === "open") return row && undefined;
      if (row.status === "over") throw new NotPublishedError(id, name, row.state);
      return { answer: row.payload };
    };
    return await this.#await(run, id, "wait for a value", place, { kind: "value", name }, find);
  }

  async #result(
    run: ClaimedRun,
    { id }: CallOf<"result">,
    place: RequestPlace,
  ): Promise<CallOutcome> {
    const find = async (runs: RunStore) => {
      const row = await runs.get(id);
      if (row === null || row.endedAt === null) return row && undefined;
      if (row.state !== "completed") throw endError(id, row);
      return { answer: row.result ?? encode(undefined) };
    };
    return await this.#await(run, id, "wait for a result", place, { kind: "end", name: "" }, find);
  }

  /**
   * Looks for something of another run; if it is not there, notes that the run waits for it, and looks
   * once more (AWAIT-1). Of a run that has ended, a look decides.
   *
   * @param find Looks; `undefined`: it is not there yet; `null`: there is no such run.
   */
  async #await(
    run: ClaimedRun,
    id: string,
    action: string,
    { command: { position } }: RequestPlace,
    awaited: Pick<Awaited, "kind" | "name">,
    find: (runs: RunStore) => Promise<{ readonly answer: string | null } | undefined | null>,
  ): Promise<CallOutcome> {
    const runs = this.#node.store.runs.in(run.namespace);
    const look = async () => {
      const found = await find(runs);
      if (found === null) throw runNotFound(id, action);
      return found;
    };
    while (true) {
      const found = await look();
      if (found !== undefined) return found;
      if (await runs.await(id, { run: run.id, position, ...awaited })) {
        return await look() ?? "waits";
      }
    }
  }

  /**
   * Sends a signal or an ask, validated by the version that receives it, even if the run is moved
   * meanwhile.
   */
  async #send(
    run: ClaimedRun,
    { kind, id, name }: CallOf<"signal" | "ask">,
    { command, trace }: RequestPlace,
    input: string,
  ): Promise<Delivery> {
    const runs = this.#node.store.runs.in(run.namespace);
    const deliveryId = messageId(run, command, command.nth); // one message, however often it is sent
    let version = await runs.version(id);
    while (version !== null) {
      const checked = await this.#node.code.checkSignal(version, name, input);
      checkPayload(
        checked,
        `the payload of signal ${JSON.stringify(name)}`,
        this.#node.payloadBytes,
      );
      const payload = kind === "ask" ? askText(deliveryId, name, checked) : checked;
      const sent = trace === undefined ? {} : { trace };
      const message = { kind, name, payload, deliveryId, ...sent } as const;
      const delivery = await runs.deliverTo(version, id, message);
      if (delivery.status === "delivered") this.#node.wakeups.wakeRun(delivery.run, delivery.node);
      if (delivery.status !== "moved") return delivery;
      version = delivery.hash;
    }
    return { status: "not_found" };
  }
}

/** The reason of a cancellation by a child's handle. */
const BY_PARENT = "its parent asked for it";

function answerOf(
  place: { readonly runId: string; readonly askId: string },
  { status, payload, state }: AskRow,
): { readonly answer: string | null } | undefined {
  switch (status) {
    case "open":
      return undefined;
    case "answered":
      return { answer: payload ?? encode(undefined) };
    case "failed":
      throw askFailed(place, payload === null ? undefined : readError(payload));
    case "over":
      throw askUnanswered(place, state);
    case "unknown":
      throw askNotFound(place);
  }
}
