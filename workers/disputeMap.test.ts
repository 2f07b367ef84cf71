import { afterAll, beforeAll, expect, test } from 'vitest'
import { digitHash } from '#epochs/test/epochRows.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { disputeEvidenceDocument, getDocument } from '#schema/documents.ts'
import { PermanentError } from '#schema/errors.ts'
import { disputeMap } from './disputeMap.ts'
import { type TestNetwork, testNetwork } from './test/operator.ts'
import { temporaryFolder } from './test/testWorker.ts'

let network: TestNetwork
beforeAll(async () => {
  network = await testNetwork()
})
afterAll(() => network.anvil.stop())

/** A map that pays somebody what nobody has earned. */
async function falseMap() {
  const publisher = await network.operator({ settler: true })
  const { chain, deposit } = publisher
  await deposit(`wrap ${Math.random()}`, 10n)
  const key = String(Math.random())
  await chain.transact(`approve ${key}`, {
    contract: 'GOpen',
    functionName: 'approve',
    args: [chain.addresses.RewardDistributor, 10n],
  })
  await chain.transact(`fund ${key}`, { contract: 'RewardDistributor', functionName: 'fund', args: [10n] })
  const epoch = await chain.read('RewardDistributor', 'epochCount', [])
  const toBlock = await chain.read('RewardDistributor', 'endOf', [epoch])
  await network.mine(Number(toBlock - (await chain.client.getBlockNumber())) + 1)
  const { hash } = await chain.client.getBlock({ blockNumber: toBlock })
  const root = digitHash('a') as `0x${string}`
  await chain.transact(`publish ${key}`, {
    contract: 'RewardDistributor',
    functionName: 'publish',
    args: [epoch, hash, root, 10n, 'nowhere', digitHash('b') as `0x${string}`],
  })
  const difference = { place: 'root', published: root, recomputed: digitHash('0') }
  return { epoch: Number(epoch), root, verdict: 'wrong', difference } as const
}

test('a wrong map is disputed once, with the difference as evidence, and does not become final', async () => {
  const wrong = await falseMap()
  const artifacts = localStore(await temporaryFolder())
  const watcher = await network.operator()
  await expect(disputeMap(watcher.chain, artifacts, wrong)).rejects.toThrow(PermanentError)
  await expect(disputeMap(watcher.chain, artifacts, wrong)).rejects.toThrow(/the bond is \d+ wei of gOPEN/)
  await watcher.deposit('bond', await watcher.chain.read('Disputes', 'minBond', []))
  const id = await disputeMap(watcher.chain, artifacts, wrong)
  expect(await disputeMap(watcher.chain, artifacts, wrong)).toBe(id)
  const other = await network.operator()
  expect(await disputeMap(other.chain, artifacts, wrong)).toBe(id)
  expect(await watcher.balance()).toBe(0n)
  const dispute = await watcher.chain.read('Disputes', 'disputes', [id])
  expect(dispute).toContain(watcher.account.address)
  const evidence = await getDocument(artifacts, disputeEvidenceDocument, dispute[9])
  expect(evidence.ground).toBe('root')
  expect(evidence.statement).toContain(`differs at root: published ${wrong.root}`)
  expect(await watcher.chain.read('Disputes', 'isHeld', [3, BigInt(wrong.epoch)])).toBe(true)
})
