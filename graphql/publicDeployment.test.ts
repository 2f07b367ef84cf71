import { expect, test } from 'vitest'
import { account, TEST_CHAIN_ID } from '#test/factory.ts'
import { DEPLOYMENT_PATH } from './publicDeployment.ts'
import { testApi } from './test/api.ts'

test('the query and the well-known address give the same facts, to every origin, and no more than is public', async () => {
  const { ask, url } = await testApi({
    deployment: {
      chainId: TEST_CHAIN_ID,
      addresses: { GOpen: account(1) },
      hosts: [account(2)],
      settings: { votingPeriod: 600, minProposalBond: 10n ** 20n },
      nodeUrl: 'https://node.example',
    },
  })
  const response = await fetch(`${url}${DEPLOYMENT_PATH}`)
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  const facts = await response.json()
  expect(facts).toEqual({
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    chainId: TEST_CHAIN_ID,
    addresses: { GOpen: account(1) },
    settings: { votingPeriod: 600, minProposalBond: '100000000000000000000' },
    hosts: [account(2)],
    nodeUrl: 'https://node.example',
    relay: null,
  })
  const { data } = await ask('{ deployment { version chainId addresses settings hosts nodeUrl relay } }')
  expect(data.deployment).toEqual(facts)
})

test('where acts are relayed, the calls and the limits of one account are told', async () => {
  const limits = { actsPerDay: 5, gasPerAct: 1_000_000, gasPerDay: 2_000_000 }
  const { url } = await testApi({ relay: { ...limits, totalGasPerDay: 9_000_000 } })
  const { relay } = (await (await fetch(`${url}${DEPLOYMENT_PATH}`)).json()) as { relay: object }
  expect(relay).toEqual({ ...limits, calls: expect.arrayContaining(['GOpen.delegateBySig', 'DatanetRegistry.submit']) })
})
