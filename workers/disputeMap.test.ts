import { afterAll, beforeAll, expect, test } from 'vitest'
import { passTime } from '#contracts/anvil.ts'
import { DEMO_SETTINGS } from '#contracts/settings.ts'
import { digitHash } from '#epochs/test/epochRows.ts'
import { ArtifactStoreError, localStore } from '#schema/artifacts/index.ts'
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
  let published = 0
  const publish = () =>
    chain.transact(`publish ${key} ${++published}`, {
      contract: 'RewardDistributor',
      functionName: 'publish',
      args: [epoch, hash, root, 10n, 'nowhere', digitHash('b') as `0x${string}`],
    })
  await publish()
  const uphold = async (dispute: bigint) => {
    const args = [dispute, true, 0n] as const
    await chain.transact(`rule ${dispute}`, { contract: 'Disputes', functionName: 'rule', args })
    await passTime(network.anvil.url, DEMO_SETTINGS.appealTime)
    await chain.transact(`enforce ${dispute}`, { contract: 'Disputes', functionName: 'enforce', args: [dispute] })
  }
  const difference = { place: 'root', published: root, recomputed: digitHash('0') }
  return { wrong: { epoch: Number(epoch), root, verdict: 'wrong', difference } as const, publish, uphold }
}

test('a wrong map is disputed once, with the difference as evidence, and does not become final', async () => {
  const { wrong } = await falseMap()
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

test('a watcher whose store is full disputes all the same', async () => {
  const { wrong } = await falseMap()
  const watcher = await network.operator()
  await watcher.deposit('bond', await watcher.chain.read('Disputes', 'minBond', []))
  const put = () => Promise.reject(new ArtifactStoreError('full', 'The disk is full.'))
  const id = await disputeMap(watcher.chain, { put }, wrong)
  const evidence = (await watcher.chain.read('Disputes', 'disputes', [id]))[9]
  const artifacts = localStore(await temporaryFolder())
  expect(evidence).not.toBe(digitHash('0'))
  await expect(getDocument(artifacts, disputeEvidenceDocument, evidence)).rejects.toThrow(evidence)
})

test('the same false map, published again after it was cancelled, is disputed again', async () => {
  const { wrong, publish, uphold } = await falseMap()
  const artifacts = localStore(await temporaryFolder())
  const watcher = await network.operator()
  await watcher.deposit('bond', await watcher.chain.read('Disputes', 'minBond', []))
  const first = await disputeMap(watcher.chain, artifacts, wrong)
  await uphold(first)
  await publish()
  const second = await disputeMap(watcher.chain, artifacts, wrong)
  expect(second).toBeGreaterThan(first)
  expect(await watcher.chain.read('Disputes', 'openDispute', [3, BigInt(wrong.epoch)])).toBe(second)
})
