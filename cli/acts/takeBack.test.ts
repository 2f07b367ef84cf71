import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { type ClientSystem, clientSystem } from '#client/test/clientSystem.ts'
import { evaluate, version } from '#contracts/test/mandate.ts'
import { ALICE, HOST, hashOf, OPERATOR, RESOLVER, SETTINGS } from '#contracts/test/world.ts'
import { keyOf, modelcommons } from '../test/program.ts'

/** Runs commands of an account of the mnemonic, and gives what they print. */
const commands =
  ({ url, folder }: ClientSystem, nth: number) =>
  async (...args: string[]) => {
    const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(nth) }
    const { code, stdout, stderr } = await modelcommons([...args, '--json'], env)
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout)
  }

const ETHER = parseEther('1')

test('what an account wraps, locks and stakes comes back by command', async () => {
  const system = await clientSystem()
  const { world, modelId } = system
  const run = commands(system, 4)
  const account = ALICE.address
  const before = await world.balance(account)

  await run('unwrap', '3')
  expect(before - (await world.balance(account))).toBe(3n * ETHER)

  const locked = await world.read('GOpen', 'lockedOf', [account])
  await run('delegate', account, '--lock', '2')
  const { availableAt } = await run('unlock', '2')
  expect(Date.parse(availableAt) / 1000).toBeGreaterThan(await world.now())
  expect(await world.read('GOpen', 'lockedOf', [account])).toBe(locked)
  await world.warp(Date.parse(availableAt) / 1000 - (await world.now()))
  await run('unlock')

  await run('stake', String(modelId), '2')
  await run('unstake', String(modelId), '2')
  await run('judge', 'stake', '6')
  expect(await world.read('FeedbackPool', 'stakeOf', [account])).toBe(6n * ETHER)
  await run('judge', 'unstake', '6')
  expect(before - (await world.balance(account))).toBe(3n * ETHER)
})

test('credit is listed by endpoint until it is taken back', async () => {
  const system = await clientSystem()
  const { world, modelId } = system
  const versionId = await version(world, modelId, OPERATOR.address)
  await evaluate(world, versionId, OPERATOR.address)
  await world.send(OPERATOR, 'ModelRegistry', 'promote', [versionId])
  await world.send(HOST, 'InferenceMarket', 'registerEndpoint', [versionId, 'https://x.example', 1000n, 2000n])
  const run = commands(system, 4)
  expect(await run('credit', 'list')).toEqual([])
  await run('credit', 'deposit', '1', '5')
  const { availableAt } = await run('credit', 'request', '1', '2')
  const [credit, ...others] = await run('credit', 'list')
  expect(others).toEqual([])
  expect(credit).toEqual({
    ...{
      channelId: expect.stringMatching(/^0x/),
      endpointId: '1',
      balance: String(5n * ETHER),
      owed: '0',
      reserved: '0',
    },
    ...{ withdrawing: String(2n * ETHER), withdrawableAt: availableAt },
  })
  await world.warp(SETTINGS.withdrawalDelay + 1)
  await run('credit', 'withdraw', '1')
  expect(await run('credit', 'list')).toMatchObject([{ balance: String(3n * ETHER), withdrawing: '0' }])
})

test('a dispute is opened with its bond, and listed with its ground until it is decided', async () => {
  const system = await clientSystem()
  const { world, modelId, url, folder } = system
  const versionId = String(await version(world, modelId, OPERATOR.address))
  const before = await world.balance(ALICE.address)
  const why = ['--ground', 'harm', '--statement', 'It gives dangerous answers.']
  const run = commands(system, 4)
  expect(await run('dispute', 'Version', versionId, ...why)).toEqual({ dispute: '1' })
  expect(before - (await world.balance(ALICE.address))).toBe(SETTINGS.minDisputeBond)

  const other = await version(world, modelId, OPERATOR.address)
  await world.send(ALICE, 'Disputes', 'open', [2, other, hashOf('what nobody can read')])
  await world.send(RESOLVER, 'Disputes', 'rule', [2n, true, 0n])
  await run('stake', String(modelId), '1') // ends when the index has what came before
  const [first, second, ...others] = await run('dispute', 'list')
  const opened = async (id: bigint) => Number((await world.read('Disputes', 'disputes', [id]))[4])
  const moment = (seconds: number) => new Date(seconds * 1000).toISOString()
  const common = { subject: 'Version', challenger: ALICE.address.toLowerCase(), bond: String(SETTINGS.minDisputeBond) }
  expect(first).toEqual({
    ...{ ...common, id: '1', subjectId: versionId, ground: 'harm', state: 'undecided', effectiveAt: null },
    lapsesAt: moment((await opened(1n)) + SETTINGS.disputeTerm),
  })
  expect(second).toEqual({
    ...{ ...common, id: '2', subjectId: String(other), ground: null, state: 'ruled upheld', lapsesAt: null },
    effectiveAt: moment(Number((await world.read('Disputes', 'disputes', [2n]))[5])),
  })
  expect(others).toEqual([])
  const { stdout } = await modelcommons(['dispute', 'list'], { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder })
  expect(stdout.split('\n')[0]).toMatch(
    /^id 1 {2}subject Version {2}subjectId \d+ {2}ground harm {2}challenger 0x\w+ {2}bond [\d.]+ gOPEN {2}state undecided {2}lapsesAt 20/,
  )

  await world.warp(SETTINGS.disputeTerm + 1)
  for (const id of [1n, 2n]) await world.send(ALICE, 'Disputes', 'enforce', [id])
  await run('stake', String(modelId), '1')
  expect(await run('dispute', 'list')).toEqual([])
})

test('a key of the environment is kept under a name, and acts by it', async () => {
  const { folder } = await clientSystem()
  const home = { MODELCOMMONS_HOME: folder, MODELCOMMONS_PASSPHRASE: 'an owl in the attic' }
  const imported = await modelcommons(['account', 'import', '--account', 'alice', '--json'], {
    ...home,
    MODELCOMMONS_KEY: keyOf(4),
  })
  expect(JSON.parse(imported.stdout)).toEqual({ account: 'alice', address: ALICE.address })
  const made = JSON.parse((await modelcommons(['account', 'new', '--json'], home)).stdout)
  expect(made).toEqual({ account: 'default', address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/) })
  const { stdout } = await modelcommons(['account', 'list', '--json'], home)
  expect(JSON.parse(stdout)).toEqual([{ account: 'alice', address: ALICE.address }, made])
})
