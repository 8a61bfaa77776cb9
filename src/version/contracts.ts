/**
 * Checks inputs and signals against the schemas of versions. The registry has the schemas' names,
 * so most checks need no code; the schemas themselves are code of the version.
 *
 * @module
 */

import { quoteId } from "../base/describe.ts";
import { decode, encode } from "../base/values.ts";
import type { PlaceRequest } from "../ports/limits.ts";
import type { Contract } from "../ports/rows.ts";
import { readLimitKey, readLimitPriority } from "../workflow/limit.ts";
import type { VersionStore } from "../ports/store.ts";
import { checkSchema } from "../workflow/schema.ts";
import { payloadSchema } from "../workflow/signal_schemas.ts";
import { contractOf } from "./definition.ts";
import type { WorkflowDefinition } from "../workflow/context_types.ts";
import { invalidInput, invalidSignalPayload, versionUnavailable } from "./contract_errors.ts";
import { undeclaredSignal } from "../base/errors.ts";

interface Known {
  readonly workflow: string;
  readonly contract: Contract | null;
}

/** What a start says of the place of its run, in place of the version's code. */
export interface StartPlace {
  /** The key. */
  readonly key?: string;
  /** The priority. */
  readonly priority?: number;
}

/** Obtains the schemas of versions. */
export interface SchemaSource {
  /** The versions whose code is in memory. */
  readonly loaded: readonly { readonly hash: string; readonly definition: WorkflowDefinition }[];
  /**
   * Obtains a version's definition.
   *
   * @throws {VersionUnavailableError} If it is unavailable in this process.
   */
  obtain(
    hash: string,
  ): Promise<{ readonly definition: Pick<WorkflowDefinition, "input" | "signals" | "limit"> }>;
}

/** Checks inputs and signals against the versions that receive them. */
export class Contracts {
  readonly #versions: SchemaSource;
  readonly #store: Pick<VersionStore, "get">;
  /** A version never changes, so entries stay valid. */
  readonly #known = new Map<string, Known>();

  /**
   * Makes the checker; nothing is loaded yet.
   *
   * @param versions Obtains the schemas.
   * @param store The registry.
   */
  constructor(versions: SchemaSource, store: Pick<VersionStore, "get">) {
    this.#versions = versions;
    this.#store = store;
  }

  /**
   * Checks an input.
   *
   * @param hash The version that receives it.
   * @param input The input.
   * @returns The input as the version's schema transforms it.
   * @throws {InvalidInputError} (`INVALID_INPUT`) If it does not match.
   * @throws {VersionUnavailableError} If the schema is unavailable in this process.
   * @throws {SchemaFailedError} If the schema itself fails.
   */
  async input(hash: string, input: unknown): Promise<unknown> {
    const { workflow, contract } = await this.#of(hash);
    if (contract === null || !contract.input) return input;
    const what = `the input of workflow ${quoteId(workflow)}`;
    const { input: schema } = await this.#definition(hash, what);
    if (schema === null) return input;
    const checked = await checkSchema(schema, input, what);
    if ("issues" in checked) throw invalidInput(workflow, hash, checked.issues);
    return checked.value;
  }

  /**
   * Checks a signal.
   *
   * @param hash The version of the run that receives it.
   * @param name The signal's name.
   * @param payload Its payload.
   * @returns The payload as the version's schema transforms it.
   * @throws {InvalidInputError} (`UNDECLARED_SIGNAL`) If the version declares no signal of that
   * name.
   * @throws {InvalidInputError} (`INVALID_SIGNAL_PAYLOAD`) If the payload does not match.
   * @throws {VersionUnavailableError} If the schema is unavailable in this process.
   * @throws {SchemaFailedError} If the schema itself fails.
   */
  async signal(hash: string, name: string, payload: unknown): Promise<unknown> {
    const { workflow, contract } = await this.#of(hash);
    if (contract === null || contract.signals === null) return payload;
    if (!contract.signals.includes(name)) {
      throw undeclaredSignal(name, workflow, contract.signals);
    }
    const what = `signal ${quoteId(name)} of workflow ${quoteId(workflow)}`;
    const { signals } = await this.#definition(hash, what);
    const schema = payloadSchema(signals?.[name]);
    if (schema === null) return payload;
    const checked = await checkSchema(schema, payload, what);
    if ("issues" in checked) {
      throw invalidSignalPayload(name, workflow, hash, checked.issues);
    }
    return checked.value;
  }

  /**
   * The place that a run has to wait for.
   *
   * @param hash Its version.
   * @param input Its input, as the version's schema made it.
   * @param given What the start says of it.
   * @returns The place; `null`: its runs are not limited.
   * @throws {InvalidArgumentError} If the version's code says something else than a key or a priority.
   * @throws {VersionUnavailableError} If that code is unavailable in this process.
   */
  async place(hash: string, input: unknown, given: StartPlace = {}): Promise<PlaceRequest | null> {
    const { workflow, contract } = await this.#of(hash);
    const limit = contract?.limit;
    if (limit === undefined) return null;
    const { terms, keyed, ranked } = limit;
    const what = `the limit of workflow ${quoteId(workflow)}`;
    const asks = keyed && given.key === undefined || ranked && given.priority === undefined;
    const code = asks ? (await this.#definition(hash, what)).limit ?? null : null;
    const { key = code?.key?.(input), priority = code?.priority?.(input) ?? 0 } = given;
    return {
      limit: terms,
      key: keyed || key !== undefined ? readLimitKey(key, `the key in ${what}`) : "",
      priority: readLimitPriority(priority, `the priority in ${what}`),
    };
  }

  /** As {@linkcode Contracts.place}, of an encoded input. */
  async placeOf(hash: string, text: string): Promise<PlaceRequest | null> {
    const { contract } = await this.#of(hash);
    return contract?.limit === undefined ? null : await this.place(hash, decode(text));
  }

  /**
   * Checks an encoded input, as {@linkcode Contracts.input} does; returns the same text if the
   * version has no schema for it.
   *
   * @throws {NotSerializableError} If the result of the schema can't be encoded.
   */
  async inputText(hash: string, text: string): Promise<string> {
    const { contract } = await this.#of(hash);
    if (contract === null || !contract.input) return text;
    return encode(await this.input(hash, decode(text)), "input");
  }

  /**
   * Checks the encoded payload of a signal, as {@linkcode Contracts.signal} does.
   *
   * @throws {NotSerializableError} If the result of the schema can't be encoded.
   */
  async signalText(hash: string, name: string, text: string): Promise<string> {
    const { contract } = await this.#of(hash);
    if (contract === null || contract.signals === null) return text;
    return encode(await this.signal(hash, name, decode(text)), "payload");
  }

  async #of(hash: string): Promise<Known> {
    let known = this.#known.get(hash);
    if (known === undefined) {
      const loaded = this.#versions.loaded.find((version) => version.hash === hash);
      known = loaded === undefined
        ? await this.#store.get(hash) ?? { workflow: "", contract: null }
        : { workflow: loaded.definition.name, contract: contractOf(loaded.definition) };
      const { workflow, contract } = known;
      this.#known.set(hash, { workflow, contract });
    }
    return known;
  }

  async #definition(
    hash: string,
    what: string,
  ): Promise<Pick<WorkflowDefinition, "input" | "signals" | "limit">> {
    try {
      return (await this.#versions.obtain(hash)).definition;
    } catch (error) {
      throw versionUnavailable(hash, `check ${what}`, error);
    }
  }
}
