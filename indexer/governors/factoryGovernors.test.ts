import { type Address, getContractAddress } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '#schema/database.ts'
import { FollowedContract } from '#schema/onchain/chain.ts'
import { Holder } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import { freshDatabase, freshDatabaseUrl } from '#test/database.ts'
import { must } from '#test/must.ts'
import type { ContractFactory, FollowedDeployment } from '../index.ts'
import { difference } from '../test/compare.ts'
import { shows } from '../test/followedList.ts'
import {
  type At,
  anyGovernorArgs,
  compareMoments,
  expectOneRoot,
  expectStates,
  followGovernors,
  type Government,
  type GovernorChain,
  governorChain,
  live,
  spreadPower,
} from '../test/governors.ts'

/** Governors that a factory creates together with their tokens and timelocks, which are followed from its announcement on, also where no Governor
 *  of them is configured. */

let chain: GovernorChain
let all: [blocks: Government, seconds: Government, unnamed: Government]
let deployment: FollowedDeployment
/** An index that followed while the governments were founded and their proposals were played. */
let played: Database

const EVENT = 'event Founded(address indexed token, address timelock, address indexed governor)'

beforeAll(async () => {
  chain = await governorChain()
  const factory = await chain.deploy('GovernmentFactory')
  let created = 1n // the nonce of a contract begins with 1
  const found = async (votes: 'BlockVotes' | 'TimeVotes'): Promise<Government> => {
    const next = (): Address => getContractAddress({ from: factory.address, nonce: created++ })
    const [tokenAt, timelockAt, governorAt] = [next(), next(), next()]
    const token = chain.creationOf(votes)
    const timelock = chain.creationOf('TimelockOf', [3n, [governorAt, chain.accounts[0]]])
    const governor = chain.creationOf('AnyGovernor', anyGovernorArgs(tokenAt, timelockAt))
    await chain.send(0, factory, 'found', [token.code, timelock.code, governor.code])
    const at = ({ abi }: Pick<At, 'abi'>, address: Address): At => ({ abi, address })
    return { token: at(token, tokenAt), timelock: at(timelock, timelockAt), governor: at(governor, governorAt) }
  }
  const follows = (argument: string, as: ContractFactory['follows']): ContractFactory => ({
    address: factory.address,
    event: EVENT,
    argument,
    follows: as,
  })
  const blocks = await found('BlockVotes')
  const seconds = await found('TimeVotes')
  deployment = {
    chainId: chain.anvil.chainId,
    startBlock: 1,
    addresses: {},
    governors: [blocks, seconds].map(({ governor }) => ({ address: governor.address })),
    factories: [follows('token', 'GOpen'), follows('timelock', 'TimelockController')],
  }
  played = await openDatabase(await freshDatabaseUrl())
  const end = await followGovernors(chain, deployment, played)
  for (const { token } of [blocks, seconds]) await spreadPower(chain, token)
  await live(chain, blocks)
  const unnamed = await found('BlockVotes')
  await spreadPower(chain, unnamed.token)
  await live(chain, seconds)
  await live(chain, unnamed)
  all = [blocks, seconds, unnamed]
  await end()
})
afterAll(async () => {
  await played?.close()
  await chain?.anvil.stop()
})

test('Governors that a factory created are indexed as their contracts say, live and clean', async () => {
  const [blocks, seconds] = all
  const { seen, unknown } = await expectStates(chain, played, [blocks, seconds])
  expect([...unknown]).toEqual([])
  expect(seen.size).toBe(7) // all but Expired
  const clean = await freshDatabase()
  await (await followGovernors(chain, deployment, clean))()
  expect(await difference(played, clean)).toEqual([])
  expect(await compareMoments(chain, [played, clean])).toBeGreaterThan(1_000)
})

test(shows('factories', 'nothing is followed twice'), async () => {
  const { token, timelock } = all[2]
  const lower = ({ address }: At) => address.toLowerCase()
  const followed = (await rowsOf(played, FollowedContract)).map(({ id, contract }) => `${contract} ${id}`)
  expect(followed.sort()).toEqual([`GOpen ${lower(token)}`, `TimelockController ${lower(timelock)}`])
  const holders = await rowsOf(played, Holder, 'token = $1', [lower(token)])
  expect(holders.length).toBeGreaterThan(5)
  for (const { account, balance, votes, delegate } of holders) {
    expect(balance).toBe(await chain.read(token, 'balanceOf', [account]))
    expect(votes).toBe(await chain.read(token, 'getVotes', [account]))
    expect(delegate ?? `0x${'0'.repeat(40)}`).toBe(
      String(await chain.read(token, 'delegates', [account])).toLowerCase(),
    )
  }
  const { rows } = await played.query('select count(*)::int as events from chain_event where address = $1', [
    lower(timelock),
  ])
  expect(must(rows[0]).events).toBeGreaterThan(5)
})

test('however the chain is indexed, the state root is the same', () => expectOneRoot(chain, deployment))
