import { setTimeout as sleep } from 'node:timers/promises'
import { createPublicClient, createWalletClient, encodeFunctionData, http } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { DEV_MNEMONIC, rpc, startAnvil } from '#contracts/anvil.ts'
import { deployAll } from '#contracts/deploy.ts'
import { contracts } from '#contracts/events.ts'
import { DEMO_SETTINGS, demoHolders } from '#contracts/settings.ts'
import { startApi } from '#graphql/index.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { type Figure, figure, percentile } from '../report.ts'
import { type IndexingEnvironment, startIndexerOf } from './environment.ts'

const ROUNDS = 5
const EVENTS = 20
const POLL_MS = 2
/** A fixed gas limit: the checkpoint of a new second costs more than an estimate from the second before. */
const GAS = '0x40000'
const QUESTION = `query ($hash: String!) { chainEvents(where: { transactionHash: { eq: $hash } }, first: 1) { nodes { id } } }`

/** The time from the block of a transaction on a real anvil until GraphQL returns its event, polled every 2 ms. The indexer (over
 *  WebSocket), the chain and PostgreSQL run in processes of their own, the API in this one. The median of each round of 20. */
export async function headToGraphql(environment: IndexingEnvironment): Promise<Record<string, Figure>> {
  const anvil = await startAnvil({ genesisTimestamp: 1_800_000_000, blockInterval: 1 })
  const account = mnemonicToAccount(DEV_MNEMONIC)
  const transport = http(anvil.url)
  const wallet = createWalletClient({ account, transport })
  const deployment = await deployAll(
    wallet,
    createPublicClient({ transport, pollingInterval: 20 }),
    demoHolders(account.address),
    DEMO_SETTINGS,
  )
  const db = await environment.database()
  const api = await startApi({
    db,
    queues: { add: async () => {} },
    artifacts: localStore('/nonexistent'),
    deployment,
    auth: 'open',
    log: { error: console.error },
    host: '127.0.0.1',
    port: 0,
  })
  const indexer = startIndexerOf(anvil.url.replace('http', 'ws'), db.url, deployment)
  const ask = async (hash: string) => {
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUESTION, variables: { hash } }),
    })
    const { data, errors } = (await response.json()) as { data?: { chainEvents: { nodes: object[] } }; errors?: object }
    if (!data) throw new Error(`The GraphQL query failed: ${JSON.stringify(errors)}`)
    return data.chainEvents.nodes.length > 0
  }
  const medians: number[] = []
  try {
    await indexer.waitForMessage<{ done?: number }>(({ done }) => done !== undefined)
    const data = encodeFunctionData({ abi: contracts.GOpen.abi, functionName: 'deposit' })
    for (let round = 0; round <= ROUNDS; round++) {
      const times: number[] = []
      for (let event = 0; event < EVENTS; event++) {
        const sent = { from: account.address, to: deployment.addresses.GOpen, data, value: '0x1', gas: GAS }
        const hash = (await rpc(anvil.url, 'eth_sendTransaction', [sent])) as string
        const asked = () => rpc(anvil.url, 'eth_getTransactionReceipt', [hash]) as Promise<{ status: string } | null>
        let receipt = await asked()
        for (; !receipt; receipt = await asked()) await sleep(1)
        const made = performance.now()
        if (receipt.status !== '0x1') throw new Error(`The deposit ${hash} was reverted, so there is no event.`)
        while (!(await ask(hash))) await sleep(POLL_MS)
        times.push(performance.now() - made)
      }
      if (round) medians.push(percentile(times, 0.5)) // the first warms up
    }
  } finally {
    await indexer.stop()
    await api.stop()
    await db.close()
    await anvil.stop()
  }
  const found = figure(medians, 'ms')
  console.log(`head to GraphQL p50: ${found.median} ms (${found.min} to ${found.max})`)
  return { 'head to GraphQL p50': found }
}
