import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** A streamed answer's route, and the endpoint that gives it. Both are few: an installation answers the endpoints of its own hosts only. */
export interface AnswerLabels {
  route: string
  endpoint: string
}

/** What is measured of answers. */
export interface GatewayMetrics {
  firstToken(labels: AnswerLabels, seconds: number): void
  /** The mean interval between the tokens of an answer. */
  interval(labels: AnswerLabels, seconds: number): void
  streams(change: 1 | -1): void
  ended(route: string, status: number): void
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function openGatewayMetrics(registry: Registry | undefined): GatewayMetrics {
  if (!registry) return { firstToken() {}, interval() {}, streams() {}, ended() {} }
  const registers = [registry]
  const first = new Histogram({
    name: 'modelcommons_answer_first_token_seconds',
    help: 'Time from the request of a streamed answer to its first text, by route and endpoint.',
    labelNames: ['route', 'endpoint'],
    buckets: SECONDS,
    registers,
  })
  const interval = new Histogram({
    name: 'modelcommons_answer_token_seconds',
    help: 'Mean time between two tokens of a streamed answer, by route and endpoint.',
    labelNames: ['route', 'endpoint'],
    buckets: [0.0005, 0.001, 0.0025, ...SECONDS.slice(0, 9)],
    registers,
  })
  const streams = new Gauge({
    name: 'modelcommons_answer_streams',
    help: 'Answers that are streamed to clients now.',
    registers,
  })
  const requests = new Counter({
    name: 'modelcommons_gateway_requests_total',
    help: 'Requests below /v1 that have ended, by route and status.',
    labelNames: ['route', 'status'],
    registers,
  })
  return {
    firstToken: (labels, seconds) => first.observe({ ...labels }, seconds),
    interval: (labels, seconds) => interval.observe({ ...labels }, seconds),
    streams: (change) => streams.inc(change),
    ended: (route, status) => requests.inc({ route, status: String(status) }),
  }
}
