import { type Address, encodeErrorResult, encodeFunctionData, type Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { COMPARISONS } from '#rules/shingles.ts'
import { must } from '#test/must.ts'
import { contracts } from '../events.ts'
import { type Batch, commitmentOf, contentsOf, signBatch, submitArguments, submitBatch } from './batch.ts'
import { propose } from './mandate.ts'
import { restoreWorld } from './restoreWorld.ts'
import { ALICE, BOB, ETHER, GENESIS, hashOf, OPERATOR, PROPOSER, STRANGER, startWorld, type World } from './world.ts'

const ZERO = `0x${'0'.repeat(64)}` as const
const NOBODY = `0x${'0'.repeat(40)}` as const
const MIN_STAKE = ETHER / 100n

let world: World
let batch: Batch
beforeAll(async () => {
  world = await startWorld()
  const { modelId } = await propose(world)
  await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC-BY-4.0', MIN_STAKE, 0])
  await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', 0n, 2])
  batch = {
    datanetId: 1n,
    contributor: ALICE.address,
    contents: contentsOf('sample', 3),
    stakeEach: MIN_STAKE,
    salt: hashOf('salt'),
    deadline: BigInt(GENESIS + 100_000),
  }
})
restoreWorld(() => world)

const commit = (of: Batch) => world.send(STRANGER, 'DatanetRegistry', 'commit', [commitmentOf(of), of.contributor])
const submitError = async (of: Batch, signature: Hex = '0x', from: Address = ALICE.address) =>
  (await world.errorOf(from, 'DatanetRegistry', 'submit', submitArguments(of, signature))).name

describe('a datanet', () => {
  test('belongs to the account that opens it, for a model, under a licence', async () => {
    expect(await world.read('DatanetRegistry', 'datanets', [1n])).toEqual([PROPOSER.address, 1n, 0, MIN_STAKE])
    const create = (modelId: bigint, licence: string) =>
      world.errorOf(BOB, 'DatanetRegistry', 'createDatanet', [modelId, licence, 0n, 0]).then((error) => error.name)
    expect(await create(9n, 'CC0-1.0')).toBe('DatanetRegistry.UnknownModel')
    expect(await create(1n, '')).toBe('DatanetRegistry.EmptyLicence')
  })

  test('declares how it compares samples', async () => {
    const created = async (comparison: number) => {
      const args = [1n, 'CC0-1.0', 0n, comparison] as const
      const { events } = await world.send(BOB, 'DatanetRegistry', 'createDatanet', args)
      return events[0]?.args
    }
    for (const comparison of COMPARISONS.keys()) expect(await created(comparison)).toMatchObject({ comparison })
    await expect(created(COMPARISONS.length)).rejects.toThrow()
    expect(await world.read('DatanetRegistry', 'datanets', [2n])).toEqual([
      PROPOSER.address,
      1n,
      COMPARISONS.indexOf('exact'),
      0n,
    ])
  })
})

describe('a commitment', () => {
  test('names its contributor, exists once, and cannot be taken by others', async () => {
    const commitment = commitmentOf(batch)
    const error = async (hash: Hex, contributor: Address) =>
      (await world.errorOf(BOB, 'DatanetRegistry', 'commit', [hash, contributor])).name
    expect(await error(ZERO, BOB.address)).toBe('DatanetRegistry.EmptyHash')
    expect(await error(commitment, NOBODY)).toBe('DatanetRegistry.ZeroContributor')
    await world.send(BOB, 'DatanetRegistry', 'commit', [commitment, BOB.address])
    await commit(batch)
    expect(await error(commitment, ALICE.address)).toBe('DatanetRegistry.AlreadyCommitted')
    expect(await submitError(batch)).toBe('none')
  })

  test('that was used cannot be made again: a stranger would move the contributions back in the order', async () => {
    await submitBatch(world, batch)
    const again = await world.errorOf(STRANGER, 'DatanetRegistry', 'commit', [commitmentOf(batch), ALICE.address])
    expect(again).toMatchObject({
      name: 'DatanetRegistry.AlreadyCommitted',
      args: [commitmentOf(batch), 2n ** 256n - 1n],
    })
    expect(await submitError(batch)).toBe('DatanetRegistry.NotCommitted')
    await world.rpc('anvil_mine', ['0x200'])
    expect((await world.errorOf(BOB, 'DatanetRegistry', 'commit', [commitmentOf(batch), ALICE.address])).name).toBe(
      'DatanetRegistry.AlreadyCommitted',
    )
  })

  test('of somebody who copies the contents does not let that account submit', async () => {
    await commit(batch)
    const copy = { ...batch, contributor: BOB.address }
    await world.send(BOB, 'DatanetRegistry', 'commit', [commitmentOf(batch), BOB.address])
    expect(await submitError(copy, '0x', BOB.address)).toBe('DatanetRegistry.NotCommitted')
  })

  test('must be in an earlier block', async () => {
    // Both transactions in one block: the second one fails.
    await world.rpc('evm_setAutomine', [false])
    await world.rpc('eth_sendTransaction', [await raw('commit', [commitmentOf(batch), ALICE.address])])
    const hash = await world.rpc('eth_sendTransaction', [await raw('submit', submitArguments(batch))])
    await world.mine()
    await world.rpc('evm_setAutomine', [true])
    expect(await world.rpc('eth_getTransactionReceipt', [hash])).toMatchObject({ status: '0x0' })
    const error = await world.rpc('debug_traceTransaction', [hash, { tracer: 'callTracer' }])
    expect((error as { output: Hex }).output).toBe(
      encodeErrorResult({
        abi: contracts.DatanetRegistry.abi,
        errorName: 'CommitmentTooFresh', // DatanetRegistry.CommitmentTooFresh
        args: [commitmentOf(batch)],
      }),
    )
    expect(await submitError(batch)).toBe('none')
  })

  test('in a mined block lets gas be estimated at once', async () => {
    await commit(batch)
    expect(await world.rpc('eth_estimateGas', [await raw('submit', submitArguments(batch))])).toMatch(/^0x/)
  })

  async function raw(functionName: 'commit' | 'submit', args: readonly unknown[]) {
    // `never`: viem cannot infer the arguments of a function that is one of two.
    const data = encodeFunctionData({ abi: contracts.DatanetRegistry.abi, functionName, args } as never)
    return { from: ALICE.address, to: world.at.DatanetRegistry, data, gas: '0x200000' }
  }
})

describe('a submission', () => {
  test('by its contributor needs no signature; each content gets an id and a stake', async () => {
    const before = await world.balance(ALICE.address)
    expect(await submitBatch(world, batch)).toBe(1n)
    expect(before - (await world.balance(ALICE.address))).toBe(3n * MIN_STAKE)
    const [contributor, stake, datanetId] = await world.read('DatanetRegistry', 'contributions', [3n])
    expect([contributor, stake, datanetId]).toEqual([ALICE.address, MIN_STAKE, 1n])
    expect(await world.read('DatanetRegistry', 'contributionOf', [1n, must(batch.contents[2])])).toBe(3n)
    expect(await world.read('DatanetRegistry', 'nonces', [ALICE.address])).toBe(0n)
  })

  test('may be relayed under a signature, once', async () => {
    await commit(batch)
    const signature = await signBatch(world, ALICE, batch, 0n)
    const { events } = await world.send(STRANGER, 'DatanetRegistry', 'submit', submitArguments(batch, signature))
    expect(events.filter((event) => event.name === 'ContributionSubmitted')).toHaveLength(3)
    expect(await world.read('DatanetRegistry', 'nonces', [ALICE.address])).toBe(1n)
    expect(await submitError(batch, signature, STRANGER.address)).toBe('DatanetRegistry.NotCommitted')
    // Committed again with other contents: the old signature does not cover them, nor a new one with the old nonce.
    const next = { ...batch, contents: contentsOf('next', 3) }
    await commit(next)
    expect(await submitError(next, signature, STRANGER.address)).toBe('DatanetRegistry.BadSignature')
    expect(await submitError(next, await signBatch(world, ALICE, next, 0n), STRANGER.address)).toBe(
      'DatanetRegistry.BadSignature',
    )
    expect(await submitError(next, await signBatch(world, ALICE, next, 1n), STRANGER.address)).toBe('none')
  })

  test('is refused under a signature for another chain, contract, name, nonce, deadline, stake or datanet', async () => {
    const other = { ...batch, datanetId: 2n }
    await commit(batch)
    await commit(other)
    const sign = (over: Partial<Batch>, nonce = 0n, domain: Parameters<typeof signBatch>[4] = {}) =>
      signBatch(world, ALICE, { ...batch, ...over }, nonce, domain)
    const forged = [
      await sign({}, 0n, { chainId: 1 }),
      await sign({}, 0n, { contract: world.at.InferenceMarket }),
      await sign({}, 0n, { name: 'InferenceMarket' }),
      await sign({}, 1n),
      await sign({ deadline: batch.deadline + 1n }),
      await sign({ stakeEach: MIN_STAKE + 1n }),
      await sign({ datanetId: 2n }),
      await sign({ contents: [...batch.contents].reverse() }),
      await signBatch(world, BOB, batch, 0n),
      '0x1234' as const,
    ]
    for (const signature of forged)
      expect(await submitError(batch, signature, STRANGER.address)).toBe('DatanetRegistry.BadSignature')
    expect(await submitError(batch, '0x', STRANGER.address)).toBe('DatanetRegistry.BadSignature')
    expect(await submitError(other, await sign({}), STRANGER.address)).toBe('DatanetRegistry.BadSignature')
    expect(await submitError(batch, await sign({}), STRANGER.address)).toBe('none')
    // The contributor's own transaction with a wrong signature fails, too.
    expect(await submitError(batch, forged[0])).toBe('DatanetRegistry.BadSignature')
  })

  test('is refused when late, empty, understaked or of an unknown datanet', async () => {
    await submitBatch(world, batch)
    let attempts = 0
    const attempt = async (over: Partial<Batch>) => {
      const next = { ...batch, contents: contentsOf('other', 2), salt: hashOf(`attempt ${attempts++}`), ...over }
      await commit(next)
      return submitError(next)
    }
    expect(await attempt({ contents: [] })).toBe('DatanetRegistry.EmptyBatch')
    expect(await attempt({ deadline: BigInt(GENESIS) })).toBe('DatanetRegistry.SubmissionExpired')
    expect(await attempt({ datanetId: 9n })).toBe('DatanetRegistry.UnknownDatanet')
    expect(await attempt({ stakeEach: MIN_STAKE - 1n })).toBe('DatanetRegistry.StakeTooSmall')
    expect(await attempt({ contents: [hashOf('new'), ZERO] })).toBe('DatanetRegistry.EmptyHash')
    expect(await attempt({ datanetId: 2n, contents: batch.contents, stakeEach: 0n })).toBe('none')
    expect(await attempt({ stakeEach: 1_000n * ETHER })).toBe('GOpen.ERC20InsufficientBalance')
    expect(await attempt({ stakeEach: 2n ** 100n })).toBe('DatanetRegistry.SafeCastOverflowedUintDowncast')
  })
})

test('a hash that somebody copied from the mempool does not revert the batch of its author', async () => {
  await commit(batch)
  const copy = { ...batch, contributor: BOB.address, datanetId: 2n, stakeEach: 0n }
  await submitBatch(world, copy)
  const mine = { ...copy, contributor: ALICE.address }
  expect(await submitBatch(world, mine)).toBe(4n)
  expect(await world.read('DatanetRegistry', 'contributionOf', [2n, must(batch.contents[0])])).toBe(1n)
})

test('a commitment expires after 256 blocks and may then be made again', async () => {
  await commit(batch)
  await world.rpc('anvil_mine', ['0x100'])
  expect(await submitError(batch)).toBe('DatanetRegistry.CommitmentExpired')
  await commit(batch)
  expect(await submitError(batch)).toBe('none')
})

describe('a score', () => {
  const score = (ids: bigint[], quality = 900_000, uniqueness = 1_000_000, verdict = 1) =>
    [ids, ids.map(() => quality), ids.map(() => uniqueness), ids.map(() => verdict), ids.map(() => 'clear')] as const
  const scoreError = async (...args: Parameters<typeof score>) =>
    (await world.errorOf(OPERATOR, 'DatanetRegistry', 'score', score(...args))).name

  test('is given once, within its range, with a verdict', async () => {
    await submitBatch(world, batch)
    const { events } = await world.send(OPERATOR, 'DatanetRegistry', 'score', score([1n, 2n]))
    expect(events[1]).toMatchObject({
      name: 'ContributionScored',
      args: { contributionId: 2n, quality: 900_000, uniqueness: 1_000_000, verdict: 1, reason: 'clear' },
    })
    expect(await scoreError([1n])).toBe('DatanetRegistry.AlreadyScored')
    expect(await scoreError([3n, 3n])).toBe('DatanetRegistry.AlreadyScored')
    expect(await scoreError([4n])).toBe('DatanetRegistry.UnknownContribution')
    expect(await scoreError([3n], 1_000_001)).toBe('DatanetRegistry.ScoreTooLarge')
    expect(await scoreError([3n], 0, 1_000_001)).toBe('DatanetRegistry.ScoreTooLarge')
    expect(await scoreError([3n], 0, 0, 0)).toBe('DatanetRegistry.BadVerdict')
    expect(await scoreError([3n], 0, 0, 3)).toBe('DatanetRegistry.BadVerdict')
    for (let short = 1; short < 5; short++) {
      const args = score([3n]).map((list, i) => (i === short ? [] : list)) as unknown as ReturnType<typeof score>
      expect((await world.errorOf(OPERATOR, 'DatanetRegistry', 'score', args)).name).toBe(
        'DatanetRegistry.LengthMismatch',
      )
    }
  })

  test('releases the stake after the hold; without a verdict, after 30 days', async () => {
    await submitBatch(world, batch)
    const withdraw = async (ids: bigint[], from = ALICE.address) =>
      (await world.errorOf(from, 'DatanetRegistry', 'withdrawStake', [ids])).name
    await world.send(OPERATOR, 'DatanetRegistry', 'score', score([1n, 2n], 0, 0, 2))
    expect(await withdraw([1n])).toBe('DatanetRegistry.StakeHeld')
    await world.warp(400)
    expect(await withdraw([1n], BOB.address)).toBe('DatanetRegistry.NotContributor')
    expect(await withdraw([4n])).toBe('DatanetRegistry.UnknownContribution')
    expect(await withdraw([3n])).toBe('DatanetRegistry.StakeHeld')
    expect(await withdraw([1n, 1n])).toBe('DatanetRegistry.NoStake')
    const before = await world.balance(ALICE.address)
    await world.send(ALICE, 'DatanetRegistry', 'withdrawStake', [[1n, 2n]])
    expect((await world.balance(ALICE.address)) - before).toBe(2n * MIN_STAKE)
    expect(await withdraw([2n])).toBe('DatanetRegistry.NoStake')
    await world.warp(30 * 86_400)
    expect(await withdraw([3n])).toBe('none')
  })
})

describe('a slash', () => {
  const evidence = hashOf('evidence')

  test('by a scorer goes to the treasury, at most the remaining stake', async () => {
    await submitBatch(world, batch)
    const slash = (amount: bigint) => world.send(OPERATOR, 'DatanetRegistry', 'slash', [1n, amount, evidence])
    const { events } = await slash(MIN_STAKE / 4n)
    expect(events[0]).toEqual({
      contract: 'DatanetRegistry',
      name: 'Slashed',
      args: {
        account: ALICE.address.toLowerCase(),
        subjectId: 1n,
        role: 'contributor',
        amount: MIN_STAKE / 4n,
        evidenceHash: evidence,
      },
    })
    await slash(MIN_STAKE)
    expect(await world.balance(world.at.Treasury)).toBe(MIN_STAKE)
    expect((await slash(1n)).events[0]).toMatchObject({ args: { amount: 0n } })
  })

  test('needs a role, evidence and a contribution', async () => {
    await submitBatch(world, batch)
    const slash = async (from: Address, id: bigint, hash: Hex) =>
      (await world.errorOf(from, 'DatanetRegistry', 'slash', [id, 1n, hash])).name
    expect(await slash(STRANGER.address, 1n, evidence)).toBe('DatanetRegistry.MayNotSlash')
    expect(await slash(OPERATOR.address, 1n, ZERO)).toBe('DatanetRegistry.EmptyHash')
    expect(await slash(OPERATOR.address, 9n, evidence)).toBe('DatanetRegistry.UnknownContribution')
  })
})

describe('the scoring fee', () => {
  const FEE = MIN_STAKE / 4n
  let costly: World
  beforeAll(async () => {
    costly = await startWorld({ scoringFee: FEE })
    const { modelId } = await propose(costly)
    for (const least of [MIN_STAKE, 0n])
      await costly.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', least, 0])
  })
  afterAll(() => costly?.anvil.stop())

  const score = (ids: bigint[], verdicts: number[]) =>
    costly.send(OPERATOR, 'DatanetRegistry', 'score', [
      ids,
      ids.map(() => 0),
      ids.map(() => 0),
      verdicts,
      ids.map(() => 'why'),
    ])

  test('is forfeited to the treasury by what is rejected, and by nothing else', async () => {
    const first = await submitBatch(costly, batch)
    const before = await costly.balance(costly.at.Treasury)
    const ids = [first, first + 1n, first + 2n]
    const { events } = await score(ids, [2, 1, 2])
    expect(events.filter(({ name }) => name === 'ScoringFeeForfeited').map(({ args }) => args)).toEqual(
      [first, first + 2n].map((contributionId) => ({
        contributionId,
        contributor: ALICE.address.toLowerCase(),
        amount: FEE,
      })),
    )
    expect((await costly.balance(costly.at.Treasury)) - before).toBe(2n * FEE)
    const stakes = await Promise.all(ids.map((id) => costly.read('DatanetRegistry', 'stakeOf', [id])))
    expect(stakes).toEqual([MIN_STAKE - FEE, MIN_STAKE, MIN_STAKE - FEE])
  })

  test('is the least stake where the datanet asks for less, and never more than what is left', async () => {
    const free = { ...batch, datanetId: 2n, contents: contentsOf('free', 1), stakeEach: FEE - 1n }
    await costly.send(ALICE, 'DatanetRegistry', 'commit', [commitmentOf(free), ALICE.address])
    const error = await costly.errorOf(ALICE.address, 'DatanetRegistry', 'submit', submitArguments(free))
    expect(error).toMatchObject({ name: 'DatanetRegistry.StakeTooSmall', args: [FEE - 1n, FEE] })
    const paid = { ...free, salt: hashOf('paid'), stakeEach: FEE }
    const id = await submitBatch(costly, paid)
    await costly.send(OPERATOR, 'DatanetRegistry', 'slash', [id, FEE - 1n, hashOf('evidence')])
    const { events } = await score([id], [2])
    expect(events[1]).toMatchObject({ name: 'ScoringFeeForfeited', args: { amount: 1n } })
    const gone = await submitBatch(costly, { ...paid, salt: hashOf('gone'), contents: contentsOf('gone', 1) })
    await costly.send(OPERATOR, 'DatanetRegistry', 'slash', [gone, FEE, hashOf('evidence')])
    expect((await score([gone], [2])).events).toHaveLength(1)
  })
})
