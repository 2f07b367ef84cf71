/** Spans of distributed traces: API → job → worker → engine and chain. Code calls `traced`; only a service whose environment names a collector
 *  installs a tracer (`cli/openTracing.ts`); without one the SDK is not loaded and `traced` only runs its work. The active span
 *  follows the call through AsyncLocalStorage, so no context is passed by hand. */

export interface TraceOptions {
  kind?: 'server' | 'client' | 'producer' | 'consumer' | 'internal'
  /** W3C `traceparent` of the span that this one continues, from another process; by default the active span. */
  parent?: string | null
  attributes?: TraceAttributes
}

export type TraceAttributes = Record<string, string | number | boolean>

export interface TraceSpan {
  set(attributes: TraceAttributes): void
  /** Marks the span as failed. Work that throws does so by itself. */
  fail(error: unknown): void
}

export interface SpanTracer {
  run<T>(name: string, options: TraceOptions, work: (span: TraceSpan) => Promise<T>): Promise<T>
  traceparent(): string | null
}

let installed: SpanTracer | undefined
const NO_SPAN: TraceSpan = { set() {}, fail() {} }

/** Sets the tracer of this process; undefined removes it. */
export function installTracer(tracer: SpanTracer | undefined): void {
  installed = tracer
}

export const isTracing = (): boolean => installed !== undefined

/** Runs `work` in a span. */
export const traced = <T>(name: string, options: TraceOptions, work: (span: TraceSpan) => Promise<T>): Promise<T> =>
  installed ? installed.run(name, options, work) : work(NO_SPAN)

/** W3C `traceparent` of the active span, to be stored with what another process continues; null without one.
 *  https://www.w3.org/TR/trace-context/#traceparent-header */
export const currentTraceparent = (): string | null => installed?.traceparent() ?? null
