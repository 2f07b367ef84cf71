import { afterAll, beforeAll, expect, test } from 'vitest'
import { headerCall } from '#indexer/chain/blockRange.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import type { Database } from '#schema/database.ts'
import { bugs } from './bugs.ts'
import { SimulatedChain } from './chain.ts'
import { Coverage } from './coverage.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { SimulatedNode } from './node.ts'
import { seededRandomAt } from './random.ts'
import { simulate, waitUntilCaughtUp } from './simulate.ts'

/** Processes are started and killed here: on a busy machine that takes a while. */
const TIMEOUT_MS = 300_000

let environment: Environment
beforeAll(async () => {
  environment = await openEnvironment()
}, TIMEOUT_MS)
afterAll(() => environment.close())

test(
  'simulations with forks, wrong answers and kills end with the rows of a clean sync, and these events did occur',
  async () => {
    const coverage = new Coverage()
    for (const seed of [1, 2, 3, 8, 112]) {
      const outcome = await simulate(seed, environment)
      expect({ seed, found: outcome.found }).toEqual({ seed, found: [] })
      coverage.add(outcome.coverage)
    }
    expect(coverage.missing(['forks seen', 'orderly restarts', 'restarts after a cut-off', 'retries'])).toEqual([])
    expect(Math.max(...coverage.depths.keys())).toBeGreaterThan(4)
  },
  TIMEOUT_MS,
)

test(
  'an index at the head counts as caught up only once its indexer has polled the honest node',
  async () => {
    const coverage = new Coverage()
    const chain = new SimulatedChain(seededRandomAt(1, 1), { count: 6 }, 1)
    const node = new SimulatedNode(chain, 1, coverage)
    node.run = 1
    chain.mine(20)
    await environment.empty()
    await node.start()
    const { db } = environment
    const move = (block: number) =>
      db.query(
        `insert into cursor (id, block, hash, final_block, head_block, contracts, updated_at) values ('1', $1, $2, $3, $1, '{}', now())
         on conflict (id) do update set block = excluded.block, hash = excluded.hash`,
        [block, chain.blocks[block]?.hash, chain.final],
      )
    await move(chain.head)
    const rpc = openRpc(node.urlOf(1), {})
    let reads = 0
    const query = async (text: string) => {
      reads++
      if (reads === 2) await move(chain.head - 2) // by a round that began before the node became honest
      if (reads === 3) await rpc.batch([headerCall('latest')])
      if (reads === 5) await move(chain.head)
      return db.query(text)
    }
    await waitUntilCaughtUp({ ...db, query: query as Database['query'] }, chain, node)
    await node.stop()
    expect(reads).toBe(5)
  },
  TIMEOUT_MS,
)

const MAX_SEEDS = 12

test.each(bugs)(
  'the simulator finds the bug: %s',
  async (bug) => {
    for (let seed = 1; seed <= MAX_SEEDS; seed++) {
      const { found } = await simulate(seed, environment, bug)
      if (found.length) return expect(found.join()).not.toMatch(/did not catch up|has sent no request/) // wrong rows, or a wrong stop
    }
    expect.fail(`${MAX_SEEDS} simulations did not find the bug`)
  },
  TIMEOUT_MS,
)
