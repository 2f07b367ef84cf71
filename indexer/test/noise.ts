import { must } from '#test/must.ts'
import { type TestChain, testChain } from './chain.ts'

/** A seeded generator of integers below a limit (mulberry32): the same seed gives the same numbers. */
export function seededInts(seed: number) {
  return (below: number) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** Approves the tokens that `noise` spends. */
export async function prepareNoise(chain: TestChain) {
  const { send, deployment } = chain
  for (let who = 0; who < 6; who++) {
    await send(who, 'GOpen', 'deposit', [], 10n ** 21n)
    await send(who, 'GOpen', 'approve', [deployment.addresses.FeedbackPool, 10n ** 24n])
    await send(who, 'GOpen', 'approve', [deployment.addresses.InferenceMarket, 10n ** 24n])
  }
}

/** Sends one random transaction of a kind that always succeeds and changes rows that others changed before. */
export async function noise(chain: TestChain, next: (below: number) => number) {
  const { send, accounts } = chain
  const who = next(6)
  const other = accounts[next(6)]
  const amount = BigInt(1 + next(1000))
  const actions = [
    () => send(who, 'GOpen', 'deposit', [], amount),
    () => send(who, 'GOpen', 'transfer', [other, amount]),
    () => send(who, 'GOpen', 'delegate', [other]),
    () => send(who, 'GOpen', 'lock', [amount]),
    () => send(who, 'FeedbackPool', 'stake', [amount]),
    () => send(who, 'InferenceMarket', 'deposit', [other, amount]),
    () => chain.wait(1 + next(30)),
  ]
  await must(actions[next(actions.length)])()
}

/** A chain with so many random transactions, and the generator that goes on with its noise. */
export async function noisyChain(transactions: number, seed: number) {
  const chain = await testChain()
  await prepareNoise(chain)
  const next = seededInts(seed)
  for (let i = 0; i < transactions; i++) await noise(chain, next)
  return { chain, next }
}
