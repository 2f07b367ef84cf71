import fc from 'fast-check'
import { expect, test } from 'vitest'
import { insertChain } from '#test/factory.ts'
import { type TestApi, testApi } from './test/api.ts'
import { governanceHistory, HEAD, store } from './test/governanceHistory.ts'
import { expected } from './test/governanceOracle.ts'

/** Compares every metric with a naive computation over the same rows in memory, on random histories and at random blocks. */

const QUERY = `query ($asOf: AsOfInput) {
  governors(asOf: $asOf) { nodes {
    votes: concentration(tops: [1, 2, 9]) { accounts total nakamoto gini topShares { top amount share } }
    balances: concentration(of: Balances, tops: [1]) { accounts total nakamoto gini topShares { top amount share } }
    voters { account power voted weight for against abstained eligible participation decided withOutcome agreement proposed }
    delegations(delegates: 2) { delegates { account votes own received delegators } edges { delegator delegate amount } undelegated delegated }
  } }
  proposals(asOf: $asOf, orderBy: [{ field: id }]) { nodes {
    id contentiousness turnout { votes voters supply share }
    concentration(tops: [1]) { accounts total nakamoto gini topShares { top amount share } }
    participationBySize { from to accounts voted power votedPower }
  } }
  holders(asOf: $asOf, orderBy: [{ field: id }]) { nodes { account powerHistory { block votes balance locked delegate } } }
}`

async function house(): Promise<TestApi> {
  const api = await testApi()
  await insertChain(api.db, HEAD)
  return api
}

test('every metric equals its definition, on any history and as of any block', async () => {
  const { db, ask } = await house()
  await fc.assert(
    fc.asyncProperty(governanceHistory, fc.integer({ min: 1, max: HEAD }), async (one, block) => {
      await store(db, one)
      const { data, errors } = await ask(QUERY, { asOf: { block } })
      expect(errors).toBeUndefined()
      expect(data).toEqual(expected(one, block))
    }),
    { numRuns: 40, seed: 20261120 },
  )
})
