import type { Config } from '#config'
import { installTracer, type SpanTracer } from '#schema/tracing.ts'
import { summariseError } from './summariseError.ts'

/** Sends the spans of this process to the collector that the standard variables name (OTLP over HTTP). The SDK reads the others of them by itself:
 *  sampler, headers, resource attributes, time-outs. Without an endpoint the SDK is not loaded.
 *  https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 *  @returns a function that sends what is left. */
export async function openTracing(service: string, { tracing }: Pick<Config, 'tracing'>): Promise<() => Promise<void>> {
  if (!tracing) return async () => {}
  const [api, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ])
  const resource = resources
    .resourceFromAttributes({ 'service.name': `modelcommons-${service}`, 'process.pid': process.pid })
    .merge(resources.detectResources({ detectors: [resources.envDetector, resources.hostDetector] }))
  const provider = new sdk.NodeTracerProvider({
    resource,
    spanProcessors: [new sdk.BatchSpanProcessor(new OTLPTraceExporter())],
  })
  provider.register()
  installTracer(spanTracer(api))
  return async () => {
    installTracer(undefined)
    await provider.shutdown().catch(() => {}) // a collector that is away must not keep a service from ending
  }
}

function spanTracer(api: typeof import('@opentelemetry/api')): SpanTracer {
  const { context, propagation, trace, SpanKind, SpanStatusCode } = api
  const tracer = trace.getTracer('modelcommons')
  const kinds = {
    server: SpanKind.SERVER,
    client: SpanKind.CLIENT,
    producer: SpanKind.PRODUCER,
    consumer: SpanKind.CONSUMER,
    internal: SpanKind.INTERNAL,
  }
  return {
    run(name, { kind = 'internal', parent, attributes }, work) {
      const from = parent ? propagation.extract(context.active(), { traceparent: parent }) : context.active()
      return tracer.startActiveSpan(name, { kind: kinds[kind], attributes }, from, async (span) => {
        const fail = (error: unknown) => {
          const { type, message } = summariseError(error)
          span.recordException({ name: type, message })
          span.setStatus({ code: SpanStatusCode.ERROR, message })
        }
        try {
          return await work({ set: (more) => span.setAttributes(more), fail })
        } catch (error) {
          fail(error)
          throw error
        } finally {
          span.end()
        }
      })
    },
    traceparent() {
      const carrier: { traceparent?: string } = {}
      propagation.inject(context.active(), carrier)
      return carrier.traceparent ?? null
    },
  }
}
