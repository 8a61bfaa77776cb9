/**
 * Where the spans of one observer go. The global provider is looked up again and again, so that the
 * application may register one later.
 *
 * @module
 */

import { ProxyTracerProvider, trace, type Tracer, type TracerProvider } from "@opentelemetry/api";
import { RELEASE } from "../base/release.ts";
import { SCOPE } from "./board.ts";

/** What the API delegates to while no provider is registered. */
const NONE: TracerProvider = new ProxyTracerProvider().getDelegate();

/** Where spans go. */
export class Tracing {
  readonly #isOn: boolean;
  readonly #given: TracerProvider | undefined;

  /**
   * Creates it.
   *
   * @param isOn Whether spans are made.
   * @param provider The provider; the global one when `undefined`.
   */
  constructor(isOn: boolean, provider: TracerProvider | undefined) {
    this.#isOn = isOn;
    this.#given = provider;
  }

  /** The tracer; `undefined`: no spans are made, or there is no provider. */
  get tracer(): Tracer | undefined {
    if (!this.#isOn) return undefined;
    const provider = this.#given ?? registered();
    return provider?.getTracer(SCOPE, RELEASE);
  }
}

function registered(): TracerProvider | undefined {
  const provider = trace.getTracerProvider();
  return (provider as Partial<ProxyTracerProvider>).getDelegate?.() === NONE ? undefined : provider;
}
