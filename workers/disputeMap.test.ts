import { afterAll, beforeAll, expect, test } from 'vitest'
import { passTime } from '#contracts/anvil.ts'
import { DEMO_SETTINGS } from '#contracts/settings.ts'
import { digitHash } from '#epochs/test/epochRows.ts'
import { ArtifactStoreError, localStore } from '#schema/artifacts/index.ts'
import { disputeEvidenceDocument, getDocument } from '#schema/documents.ts'
import { IndexBehindError, PermanentError } from '#schema/errors.ts'
import { ChainUnavailableError } from './chainErrors.ts'
import { disputeMap } from './disputeMap.ts'
import { type TestNetwork, testNetwork } from './test/operator.ts'
import { temporaryFolder } from './test/testWorker.ts'

type WrongMap = Parameters<typeof disputeMap>[2]

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
  const publish = async (other = root): Promise<WrongMap> => {
    await chain.transact(`publish ${key} ${++published}`, {
      contract: 'RewardDistributor',
      functionName: 'publish',
      args: [epoch, hash, other, 10n, 'nowhere', digitHash('b') as `0x${string}`],
    })
    const [, , seconds] = await chain.read('RewardDistributor', 'maps', [epoch])
    const publishedAt = new Date(Number(seconds) * 1000)
    const difference = { place: 'root', published: other, recomputed: digitHash('0') }
    return { epoch: Number(epoch), root: other, publishedAt, verdict: 'wrong', difference }
  }
  const wrong = await publish()
  const uphold = async (dispute: bigint) => {
    const args = [dispute, true, 0n] as const
    await chain.transact(`rule ${dispute}`, { contract: 'Disputes', functionName: 'rule', args })
    await passTime(network.anvil.url, DEMO_SETTINGS.appealTime)
    await chain.transact(`enforce ${dispute}`, { contract: 'Disputes', functionName: 'enforce', args: [dispute] })
  }
  return { wrong, publish, uphold }
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
  const second = await disputeMap(watcher.chain, artifacts, await publish())
  expect(second).toBeGreaterThan(first)
  expect(await watcher.chain.read('Disputes', 'openDispute', [3, BigInt(wrong.epoch)])).toBe(second)
})

test.each([
  ['another map', digitHash('c')],
  ['the same map', digitHash('a')],
])('a map that was cancelled while it was checked is not disputed where %s was published since', async (_, root) => {
  const { wrong, publish, uphold } = await falseMap()
  const artifacts = localStore(await temporaryFolder())
  const watcher = await network.operator()
  const other = await network.operator()
  for (const { deposit } of [watcher, other]) await deposit('bond', await other.chain.read('Disputes', 'minBond', []))
  await uphold(await disputeMap(other.chain, artifacts, wrong))
  await expect(disputeMap(watcher.chain, artifacts, wrong)).rejects.toThrow(IndexBehindError)
  await publish(root as `0x${string}`)
  await expect(disputeMap(watcher.chain, artifacts, wrong)).rejects.toThrow(IndexBehindError)
  expect(await watcher.chain.read('Disputes', 'openDispute', [3, BigInt(wrong.epoch)])).toBe(0n)
  expect(await watcher.balance()).toBe(await watcher.chain.read('Disputes', 'minBond', []))
})

test('a map is disputed although the bond that was approved for it went into another dispute', async () => {
  const { wrong } = await falseMap()
  const artifacts = localStore(await temporaryFolder())
  const watcher = await network.operator()
  const minBond = await watcher.chain.read('Disputes', 'minBond', [])
  await watcher.deposit('bond', 2n * minBond)
  let isAway = true
  const once = {
    ...watcher.chain,
    transact: ((key, call, options) =>
      isAway && call.functionName === 'openMap'
        ? Promise.reject(new ChainUnavailableError('unreachable', 'The node is away.'))
        : watcher.chain.transact(key, call, options)) as typeof watcher.chain.transact,
  }
  await expect(disputeMap(once, artifacts, wrong)).rejects.toThrow('The node is away.')
  isAway = false
  const second = (await falseMap()).wrong
  await disputeMap(once, artifacts, second)
  const id = await disputeMap(once, artifacts, wrong)
  expect(await watcher.chain.read('Disputes', 'openDispute', [3, BigInt(wrong.epoch)])).toBe(id)
})

test('a dispute that was signed is sent although the evidence would be another by now', async () => {
  const { wrong } = await falseMap()
  const artifacts = localStore(await temporaryFolder())
  const watcher = await network.operator()
  await watcher.deposit('bond', await watcher.chain.read('Disputes', 'minBond', []))
  const lost = {
    ...watcher.chain,
    transact: (async (key, call, options) => {
      const receipt = await watcher.chain.transact(key, call, options)
      if (call.functionName === 'openMap') throw new ChainUnavailableError('not-mined', 'The node is slow.')
      return receipt
    }) as typeof watcher.chain.transact,
    // The dispute is signed, and not mined yet as far as the watcher sees.
    read: ((contract, functionName, args, block) =>
      functionName === 'openDispute'
        ? Promise.resolve(0n)
        : watcher.chain.read(contract, functionName, args, block)) as typeof watcher.chain.read,
  }
  await expect(disputeMap(lost, artifacts, wrong)).rejects.toThrow('The node is slow.')
  const read = { ...watcher.chain, read: lost.read }
  const later = { ...wrong, difference: { ...wrong.difference, place: 'an artifact of the map' } }
  const id = await disputeMap(read, artifacts, later)
  expect(await watcher.chain.read('Disputes', 'openDispute', [3, BigInt(wrong.epoch)])).toBe(id)
})
