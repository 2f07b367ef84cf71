import { Agent, request } from 'node:http'
import { percentile } from '../report.ts'

/** Puts load on a GraphQL endpoint, as a process of its own: reads one order in JSON from the parent, answers with what it measured. */
export interface LoadOrder {
  url: string
  body: string
  seconds: number
  /** Requests a second, begun on time whether or not earlier ones were answered; without it, as fast as `clients` go. */
  rate?: number
  clients: number
}

export interface LoadResult {
  requests: number
  perSecond: number
  /** Milliseconds from when a request was due to its last byte. */
  p50: number
  p99: number
  max: number
}

process.on('message', async (order: LoadOrder) => {
  try {
    process.send!(await (order.rate ? openLoop(order) : closedLoop(order)))
  } catch (error) {
    process.send!({ error: String(error) })
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
        else reject(new Error(`the answer was ${response.statusCode} ${start}`))
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function openLoop(order: LoadOrder): Promise<LoadResult> {
  const total = Math.round(order.rate! * order.seconds)
  const times: number[] = []
  const running: Promise<void>[] = []
  const begun = performance.now()
  for (let next = 0; next < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * order.rate!) + 1)
    for (; next < due; next++) {
      const at = begun + (next / order.rate!) * 1000
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
