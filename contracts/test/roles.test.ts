import { type Abi, type AbiFunction, encodeFunctionData, type Hex, keccak256, stringToHex } from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { must } from '#test/must.ts'
import { DEPLOY_ORDER, deployAddresses } from '../deploy.ts'
import { type ContractName, contracts } from '../events.ts'
import { DEPLOYER, ETHER, HOLDER, OPERATOR, ROLE_HOLDERS, STRANGER, startWorld, type World } from './world.ts'

const ADMIN = `0x${'0'.repeat(64)}` as const
const role = (name: string): Hex => (name === 'ADMIN' ? ADMIN : keccak256(stringToHex(name)))

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.anvil.stop())

type Holder = 'operator' | 'resolver' | 'Disputes' | 'TimelockController' | 'ModelGovernor' | 'Guardian'
/** Every grant that is in force after a deployment. */
const GRANTS: [ContractName, string, Holder][] = [
  ['ModelRegistry', 'ADMIN', 'TimelockController'],
  ['ModelRegistry', 'TRAINER_ROLE', 'operator'],
  ['ModelRegistry', 'ROLLBACK_ROLE', 'TimelockController'],
  ['ModelRegistry', 'ROLLBACK_ROLE', 'Disputes'],
  ['EvaluationRegistry', 'ADMIN', 'TimelockController'],
  ['EvaluationRegistry', 'EVALUATOR_ROLE', 'operator'],
  ['DatanetRegistry', 'ADMIN', 'TimelockController'],
  ['DatanetRegistry', 'SCORER_ROLE', 'operator'],
  ['DatanetRegistry', 'SLASHER_ROLE', 'Disputes'],
  ['FeedbackPool', 'ADMIN', 'TimelockController'],
  ['FeedbackPool', 'SETTLER_ROLE', 'operator'],
  ['FeedbackPool', 'SLASHER_ROLE', 'Disputes'],
  ['RewardDistributor', 'ADMIN', 'TimelockController'],
  ['RewardDistributor', 'PUBLISHER_ROLE', 'operator'],
  ['RewardDistributor', 'CANCELLER_ROLE', 'Disputes'],
  ['Disputes', 'ADMIN', 'TimelockController'],
  ['Disputes', 'RESOLVER_ROLE', 'resolver'],
  ['TimelockController', 'ADMIN', 'TimelockController'],
  ['TimelockController', 'PROPOSER_ROLE', 'ModelGovernor'],
  ['TimelockController', 'CANCELLER_ROLE', 'ModelGovernor'],
  ['TimelockController', 'CANCELLER_ROLE', 'Guardian'],
  ['TimelockController', 'EXECUTOR_ROLE', 'ModelGovernor'],
]

/** Every function that a role guards. */
const GUARDED: [ContractName, string, string][] = [
  ['ModelRegistry', 'spendBudget', 'TRAINER_ROLE'],
  ['ModelRegistry', 'registerVersion', 'TRAINER_ROLE'],
  ['ModelRegistry', 'rollback', 'ROLLBACK_ROLE'],
  ['EvaluationRegistry', 'log', 'EVALUATOR_ROLE'],
  ['DatanetRegistry', 'score', 'SCORER_ROLE'],
  ['FeedbackPool', 'openRound', 'SETTLER_ROLE'],
  ['FeedbackPool', 'settle', 'SETTLER_ROLE'],
  ['FeedbackPool', 'updateReputation', 'SETTLER_ROLE'],
  ['FeedbackPool', 'slash', 'SLASHER_ROLE'],
  ['RewardDistributor', 'cancel', 'CANCELLER_ROLE'],
  ['Disputes', 'rule', 'RESOLVER_ROLE'],
]

describe('after a deployment', () => {
  test('the contracts have the addresses that follow from deployer and nonce', () => {
    expect(world.at).toEqual(deployAddresses(DEPLOYER.address, 0))
    expect(world.deployment).toMatchObject({ chainId: 31_337, startBlock: 1n, holders: ROLE_HOLDERS })
    expect(new Set(Object.values(world.at)).size).toBe(DEPLOY_ORDER.length)
  })

  test('every role is granted to its account, and to no other', async () => {
    const logs = await world.client.getLogs({ fromBlock: 0n, toBlock: BigInt(DEPLOY_ORDER.length) })
    const granted = logs.filter(
      (log) => log.topics[0] === keccak256(stringToHex('RoleGranted(bytes32,address,address)')),
    )
    const found = granted.map((log) =>
      [log.address, log.topics[1], `0x${must(log.topics[2]).slice(26)}`].join(' ').toLowerCase(),
    )
    const expected = GRANTS.map(([contract, name, holder]) => {
      const account = { ...world.at, ...ROLE_HOLDERS }[holder]
      return [world.at[contract], role(name), account].join(' ').toLowerCase()
    })
    expect(found.sort()).toEqual(expected.sort())
  })

  test.each(GUARDED)('%s.%s is refused to strangers and to the deployer', async (contract, name, guard) => {
    for (const { address } of [STRANGER, DEPLOYER]) {
      const error = await refusal(contract, name, address)
      expect(error).toEqual({ name: `${contract}.AccessControlUnauthorizedAccount`, args: [address, role(guard)] })
    }
  })

  test('the treasury pays only by order of the timelock', async () => {
    await world.send(HOLDER, 'GOpen', 'transfer', [world.at.Treasury, 5n])
    const timelock = await world.impersonate(world.at.TimelockController)
    expect((await world.errorOf(STRANGER, 'Treasury', 'pay', [STRANGER.address, 1n])).name).toBe(
      'Treasury.OwnableUnauthorizedAccount',
    )
    expect((await world.errorOf(timelock, 'Treasury', 'pay', [STRANGER.address, 6n])).name).toBe(
      'Treasury.InsufficientTreasury',
    )
    const { events } = await world.send(timelock, 'Treasury', 'pay', [STRANGER.address, 5n])
    expect(events[0]).toMatchObject({ name: 'Paid', args: { amount: 5n } })
  })

  test('an operator can be changed by the timelock', async () => {
    const timelock = await world.impersonate(world.at.TimelockController)
    await world.send(timelock, 'DatanetRegistry', 'revokeRole', [role('SCORER_ROLE'), OPERATOR.address])
    await world.send(timelock, 'DatanetRegistry', 'grantRole', [role('SCORER_ROLE'), STRANGER.address])
    expect((await refusal('DatanetRegistry', 'score', OPERATOR.address)).name).toBe(
      'DatanetRegistry.AccessControlUnauthorizedAccount',
    )
    expect((await refusal('DatanetRegistry', 'score', STRANGER.address)).name).toBe('none')
  })
})

describe('gOPEN', () => {
  test('wraps and unwraps the native token one to one', async () => {
    const native = () => world.client.getBalance({ address: world.at.GOpen })
    const supply = () => world.read('GOpen', 'totalSupply', [])
    expect(await native()).toBe(await supply())
    await world.send(HOLDER, 'GOpen', 'withdraw', [ETHER])
    expect(await native()).toBe(await supply())
    await world.rpc('eth_sendTransaction', [{ from: HOLDER.address, to: world.at.GOpen, value: '0x5' }])
    await world.mine()
    expect(await native()).toBe(await supply())
    expect((await world.errorOf(HOLDER, 'GOpen', 'deposit', [])).name).toBe('GOpen.ZeroAmount')
    expect((await world.errorOf(HOLDER, 'GOpen', 'withdraw', [0n])).name).toBe('GOpen.ZeroAmount')
    expect((await world.errorOf(HOLDER, 'GOpen', 'withdraw', [10_000n * ETHER])).name).toBe(
      'GOpen.ERC20InsufficientBalance',
    )
    expect(await world.read('GOpen', 'CLOCK_MODE', [])).toBe('mode=timestamp')
    expect(await world.read('GOpen', 'clock', [])).toBe(await world.now())
  })
})

/** Calls a function with zeros and empty lists as arguments: the role is checked before the arguments. */
async function refusal(contract: ContractName, name: string, from: Hex) {
  const abi = contracts[contract].abi as Abi
  const item = must(
    abi.find((one): one is AbiFunction => one.type === 'function' && one.name === name),
    name,
  )
  const args = item.inputs.map(({ type }) => {
    if (type.endsWith(']')) return []
    if (type === 'string') return ''
    if (type === 'bool') return false
    if (type === 'address') return STRANGER.address
    return type === 'bytes32' ? ADMIN : 0n
  })
  expect(encodeFunctionData({ abi, functionName: name, args })).toMatch(/^0x/)
  // `never`: the function is chosen at run time, from the contract's own ABI.
  return world.errorOf(from, contract, name as never, args as never)
}
