import { Agent, request } from 'node:http'
import { report } from '../indexing/processes.ts'
import { percentile } from '../report.ts'

/** Load on a GraphQL endpoint from a child process: it receives orders and answers with its measurements. */
export interface LoadOrder {
  url: string
  body: string
  seconds: number
  /** Requests per second, sent on schedule whether or not earlier ones were answered; without it, `clients` send as fast as they can. */
  rate?: number
  clients: number
}

export interface LoadResult {
  requests: number
  perSecond: number
  /** Milliseconds from the scheduled time of a request until its last byte. */
  p50: number
  p99: number
  max: number
}

process.on('message', async (order: LoadOrder) => {
  try {
    report(await (order.rate ? openLoop(order, order.rate) : closedLoop(order)))
  } catch (error) {
    report({ error: String(error) })
  }
})

const agent = new Agent({ keepAlive: true, maxSockets: 256 })

function post({ url, body }: LoadOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let start = ''
      response.on('data', (chunk: Buffer) => {
        if (start.length < 20) start += chunk.toString('utf8', 0, 40)
      })
      response.on('end', () => {
        if (response.statusCode === 200 && start.startsWith('{"data":{')) resolve()
        else reject(new Error(`The answer was ${response.statusCode} ${start}.`))
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function openLoop(order: LoadOrder, rate: number): Promise<LoadResult> {
  const total = Math.round(rate * order.seconds)
  const times: number[] = []
  const running: Promise<void>[] = []
  const begun = performance.now()
  for (let next = 0; next < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * rate) + 1)
    for (; next < due; next++) {
      const at = begun + (next / rate) * 1000
      running.push(post(order).then(() => void times.push(performance.now() - at)))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(running)
  return summary(times, performance.now() - begun)
}

async function closedLoop(order: LoadOrder): Promise<LoadResult> {
  const times: number[] = []
  const begun = performance.now()
  const end = begun + order.seconds * 1000
  const client = async () => {
    for (let at = performance.now(); at < end; at = performance.now()) {
      await post(order)
      times.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: order.clients }, client))
  return summary(times, performance.now() - begun)
}

const summary = (times: readonly number[], ms: number): LoadResult => ({
  requests: times.length,
  perSecond: (times.length / ms) * 1000,
  p50: percentile(times, 0.5),
  p99: percentile(times, 0.99),
  max: Math.max(...times),
})
