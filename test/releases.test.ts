import { encodeAbiParameters, encodeFunctionData, encodePacked, type Hex, keccak256, stringToHex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reconcile } from '#indexer/governors/reconcile.ts'
import type { FollowedDeployment } from '#indexer/index.ts'
import { openRpc } from '#indexer/rpc/open.ts'
import { difference } from '#indexer/test/compare.ts'
import { shows } from '#indexer/test/followedList.ts'
import {
  type CompiledContracts,
  compareMoments,
  expectOneRoot,
  expectStates,
  followGovernors,
  type Government,
  type GovernorChain,
  governorChain,
  MOMENTS,
  spreadPower,
} from '#indexer/test/governors.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { Governor, Proposal } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { freshDatabase, freshDatabaseUrl } from './database.ts'
import { must } from './must.ts'
import { compileRelease, RELEASES, type Release } from './releases.ts'

/** Governors that were compiled from earlier releases of OpenZeppelin: state, tally, quorum, votes, balances and delegates of the index are those of the
 *  contracts, and the state root is one, however it is indexed. `npm run check -- releases` installs the releases, and runs this. */

const folder = process.env.OPENZEPPELIN_RELEASES
const PERIOD = 8

const compiled = new Map<string, CompiledContracts>()
function contractsOf(release: Release): CompiledContracts {
  const known = compiled.get(release.name) ?? compileRelease(release, must(folder))
  compiled.set(release.name, known)
  return known
}

type Plan = [targets: Hex[], values: bigint[], calldatas: Hex[], description: string]

/** Plays proposals until each state was reached. @param half called in the middle. */
async function play(chain: GovernorChain, { token, timelock, governor }: Government, half: () => Promise<void>) {
  const { send, pass, accounts } = chain
  const hashed = ([targets, values, calldatas, description]: Plan) =>
    [targets, values, calldatas, keccak256(stringToHex(description))] as const
  const plan = (description: string, at = token, name = 'mint', args: unknown[] = [accounts[6], 1n]): Plan => [
    [at.address],
    [0n],
    [encodeFunctionData({ abi: at.abi, functionName: name, args })],
    description,
  ]
  const idOf = async (of: Plan) => (await chain.read(governor, 'hashProposal', hashed(of))) as bigint
  const propose = async (of: Plan) => {
    await send(1, governor, 'propose', of)
    await pass(3)
    return idOf(of)
  }
  const vote = (voter: number, id: bigint, support: number) => send(voter, governor, 'castVote', [id, support])
  const passing = async (of: Plan) => {
    await vote(1, await propose(of), 1)
    await pass(PERIOD + 7)
  }
  const queued = async (of: Plan) => {
    await passing(of)
    await send(2, governor, 'queue', hashed(of))
    await pass(2)
  }
  /** The operation of a proposal in the timelock, in the form that the release has. */
  const operationOf = async (of: Plan) => {
    const [targets, values, calldatas, description] = hashed(of)
    const none = `0x${'00'.repeat(32)}`
    const own = BigInt(encodePacked(['address', 'bytes12'], [governor.address, `0x${'00'.repeat(12)}`]))
    for (const salt of [description, `0x${(BigInt(description) ^ own).toString(16).padStart(64, '0')}`]) {
      const operation = [targets, values, calldatas, none, salt]
      const id = await chain.read(timelock, 'hashOperationBatch', operation)
      if (await chain.read(timelock, 'isOperation', [id])) return { operation, id }
    }
    throw new Error(`the timelock has no operation for ${of[3]}`)
  }

  const parameters = (name: string) =>
    governor.abi.flatMap((one) => (one.type === 'function' && one.name === name ? [one.inputs.length] : []))
  const has = (name: string) => parameters(name).length > 0

  const risen = has('quorumNumerator')
    ? plan('executed: another numerator', governor, 'updateQuorumNumerator', [30n])
    : plan('executed')
  await queued(risen)
  await send(0, token, 'mint', [accounts[5], 100n])
  await send(2, governor, 'execute', hashed(risen))
  if (has('superQuorum')) {
    const early = plan('queued and executed before its end')
    const id = await propose(early)
    await vote(2, id, 1)
    await vote(1, id, 1)
    await send(2, governor, 'queue', hashed(early))
    await pass(1)
    await send(2, governor, 'execute', hashed(early))
    await pass(PERIOD)
    if (has('superQuorumNumerator')) {
      const raised = plan('executed early: another super quorum', governor, 'updateSuperQuorumNumerator', [50n])
      await vote(1, await propose(raised), 1)
      await send(2, governor, 'queue', hashed(raised))
      await pass(1)
      await send(2, governor, 'execute', hashed(raised))
      await vote(1, await propose(plan('succeeds with the other super quorum')), 1)
    }
    await pass(PERIOD)
  }
  if (has('getActions')) {
    const signed = plan('with a signature, by its number')
    const [targets, values, , description] = signed
    const parts = encodeAbiParameters([{ type: 'address' }, { type: 'uint256' }], [must(accounts[6]), 1n])
    await send(1, governor, 'propose', [targets, values, ['mint(address,uint256)'], [parts], description])
    const id = await idOf(signed)
    await pass(3)
    await send(1, governor, 'castVoteWithReason', [id, 1, 'by its number'])
    await send(2, governor, 'castVote', [id, 2])
    await pass(PERIOD)
    await send(2, governor, 'queue', [id])
    await pass(2)
    await send(2, governor, 'execute', [id])
    const abstained = await propose(plan('defeated: abstentions are no quorum'))
    await vote(1, abstained, 2)
    await vote(2, abstained, 1)
    await pass(PERIOD)
  }
  const refused = await propose(plan('defeated by votes'))
  await vote(1, refused, 0)
  await vote(2, refused, 1)
  await vote(4, refused, 2)
  await pass(PERIOD)
  await vote(2, await propose(plan('defeated: below the quorum')), 1)
  await pass(PERIOD)
  const late = await propose(plan('a late vote'))
  await pass(PERIOD - 2)
  await vote(1, late, 1)
  await half()
  const direct = plan('executed at the timelock itself')
  await queued(direct)
  await send(0, timelock, 'executeBatch', (await operationOf(direct)).operation)
  const stopped = plan('cancelled at the timelock itself')
  await queued(stopped)
  const { id, operation } = await operationOf(stopped)
  await send(0, timelock, 'cancel', [id])
  await pass(1)
  await send(0, timelock, 'scheduleBatch', [...operation, 1n])
  const gone = plan('cancelled at the timelock for good')
  await queued(gone)
  await send(0, timelock, 'cancel', [(await operationOf(gone)).id])
  if (has('cancel')) {
    const withdrawn = plan('cancelled by its proposer')
    await send(1, governor, 'propose', withdrawn) // before its vote begins, as a Governor that is no Bravo demands
    const isNumbered = parameters('cancel').includes(1)
    await send(1, governor, 'cancel', isNumbered ? [await idOf(withdrawn)] : hashed(withdrawn))
  }
  await passing(plan('succeeded and left there'))
  await queued(plan('queued and left there'))
  await send(2, token, 'burn', [50n])
  await vote(2, await propose(plan('active')), 2)
  await send(1, governor, 'propose', plan('pending'))
}

const CASES = RELEASES.flatMap((release) =>
  release.governors.map((name) => ({ release, name, version: release.version })),
)

describe.runIf(folder).each(CASES)('$name of OpenZeppelin $version', ({ release, name }) => {
  let chain: GovernorChain
  let government: Government
  let deployment: FollowedDeployment
  /** An index that followed while the proposals were played, and was started again in between. */
  let live: Database

  beforeAll(async () => {
    chain = await governorChain(contractsOf(release))
    const token = await chain.deploy('Token')
    await spreadPower(chain, token)
    const timelock = await chain.deploy('Timelock', [1n, [await chain.nextAddress(1), must(chain.accounts[0])]])
    const governor = await chain.deploy(name, [token.address, timelock.address])
    government = { token, timelock, governor }
    const governors = [{ address: governor.address }]
    deployment = { chainId: chain.anvil.chainId, startBlock: 1, addresses: {}, governors }
    live = await openDatabase(await freshDatabaseUrl())
    let end = await followGovernors(chain, deployment, live)
    await play(chain, government, async () => {
      await end()
      end = await followGovernors(chain, deployment, live)
    })
    await end()
  })
  afterAll(async () => {
    await live?.close()
    await chain?.anvil.stop()
  })

  test('has in every block the states that its contract tells', async () => {
    const { seen, unknown } = await expectStates(chain, live, [government])
    expect([...unknown]).toEqual([])
    const states = ['Pending', 'Active', 'Defeated', 'Succeeded', 'Queued', 'Executed']
    // At 4.4.2, what is cancelled in the timelock stays queued, and a Governor has no function to cancel, unless it is a Bravo.
    if (release.name !== '4.4' || name === 'BravoGovernor') states.push('Canceled')
    expect([...seen].sort()).toEqual(states.map((state) => `OpenZeppelin ${state}`).sort())
  })

  test(shows('releases', `at ${MOMENTS} moments, live and clean`), async () => {
    const clean = await freshDatabase()
    await (await followGovernors(chain, deployment, clean, { confirmations: 1 }))()
    expect(await difference(live, clean)).toEqual([])
    expect(await compareMoments(chain, [live, clean])).toBeGreaterThan(400)
    const found = await reconcile(live, openRpc(chain.url, {}), { size: 1000, seed: 'a' })
    const { compared, notCompared, findings } = must(found[0])
    expect({ notCompared, findings }).toEqual({ notCompared: 0, findings: [] })
    expect(compared).toBeGreaterThan(60)
  })

  test('has the quorum rule of its release', async () => {
    const { counting, fixedQuorum, hasSuperQuorum, quorumUnknown } = must((await rowsOf(live, Governor))[0])
    expect({ counting, fixedQuorum, hasSuperQuorum, quorumUnknown }).toEqual({
      counting: name === 'BravoGovernor' ? 'For' : 'ForAbstain',
      fixedQuorum: name.endsWith('Fixed') || name === 'FixedGovernor' ? 400n : null,
      hasSuperQuorum: name.startsWith('Super'),
      quorumUnknown: null,
    })
    const votedOn = (await rowsOf(live, Proposal)).filter((one) => one.forVotes + one.againstVotes > 0n)
    expect(votedOn.length).toBeGreaterThan(8)
    for (const { quorum, superQuorum } of votedOn) {
      expect(quorum).toBeGreaterThan(0n)
      expect(superQuorum === null).toBe(!hasSuperQuorum)
    }
  })

  test('has one state root, however it is indexed', () => expectOneRoot(chain, deployment))
})
