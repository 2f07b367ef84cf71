import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEther, toHex } from 'viem'
import { expect, test } from 'vitest'
import { createDatanet, listContributions } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { contents } from '#client/test/contents.ts'
import { devAccount } from '#contracts/anvil.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { insert } from '#test/factory.ts'
import { keyOf, modelcommons } from '../test/program.ts'
import { openKeystore, sealKeystore } from './keystore.ts'

test('a newcomer makes an account, wraps, opens a datanet, gives samples of a file, and sees them; nothing is given twice', async () => {
  const { url, world, folder, db } = await clientSystem()
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_PASSPHRASE: 'an owl in the attic' }
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await modelcommons(args, env)
    expect(code, stderr).toBe(0)
    return stdout.trim()
  }
  const address = await run('account', 'new', '--account', 'ada')
  expect(address).toMatch(/^0x[0-9a-fA-F]{40}$/)
  expect(JSON.parse(await run('account', 'list', '--json'))).toEqual([{ account: 'ada', address }])
  await world.rpc('anvil_setBalance', [address, toHex(parseEther('10'))])
  const by = ['--account', 'ada', '--json']
  expect(JSON.parse(await run('wrap', '2.5', ...by, '--dry-run')).plan).toMatchObject([
    { step: 'GOpen.deposit', value: '2500000000000000000' },
  ])
  expect(await run('wrap', '2.5', '--account', 'ada', '--dry-run')).toMatch(
    /^Wrap 2\.5 native tokens into as much gOPEN {2}\(gas at most 0\.\d+\)\nNothing was signed or sent\.$/,
  )
  await run('wrap', '2.5', ...by)
  const { datanet } = JSON.parse(await run('datanet', 'create', '1', '--licence', 'CC0-1.0', ...by))
  const file = join(folder, 'samples.csv')
  await writeFile(file, 'prompt,completion\n"Where is it, please?",We look.\nAnd now?,It came.\n')
  const given = ['contribute', file, '--datanet', datanet, ...by]
  const giving = await modelcommons(given, env)
  expect(JSON.parse(giving.stdout)).toEqual({ submitted: 2, givenBefore: 0 })
  const told = giving.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(told).toContainEqual({ note: 'The samples are given under CC0-1.0.' })
  expect(told).toContainEqual({ note: 'A sample that is rejected, such as a copy, loses 0.001 gOPEN of its stake.' })
  const hash = expect.stringMatching(/^0x/)
  expect(told).toContainEqual({ act: 'contribute', step: 'DatanetRegistry.submit', hash })
  expect(told.at(-1)).toEqual({ act: 'contribute', step: 'waiting for the index' })
  expect(JSON.parse(await run(...given))).toEqual({ submitted: 0, givenBefore: 2 })
  const listed = JSON.parse(await run('contributions', ...by))
  expect(listed).toMatchObject([{ earned: '0' }, { earned: '0' }])
  const [{ id }] = listed
  const earns = { account: address.toLowerCase(), role: 'data', source: `contribution:${id}` }
  for (const [mapId, status] of [
    ['1', 'Published'],
    ['2', 'Published'],
    ['3', 'Open'],
  ] as const) {
    await insert(db, RewardMap, { id: mapId, epoch: Number(mapId), status })
    await insert(db, RewardLine, { id: `${mapId}-1`, mapId, amount: 10n ** 18n, ...earns })
  }
  expect(JSON.parse(await run('contributions', ...by))).toMatchObject([
    { id, earned: '2000000000000000000' },
    { earned: '0' },
  ])
  expect(listed.map(({ prompt }: { prompt: string }) => prompt).sort()).toEqual(['And now?', 'Where is it, please?'])
  const lines = await run('contributions', '--account', 'ada')
  expect(lines).toMatch(/earned 2 gOPEN$/m)
  expect(lines).toMatch(/^id \d+ {2}prompt “Where is it, please\?” /m)
  expect(lines).toMatch(/submittedAt 20\S+Z, (.* ago|just now)/)
  const { MODELCOMMONS_PASSPHRASE: _, ...locked } = env
  for (const whose of [['--account', 'ada'], [address]]) {
    const { stdout, stderr } = await modelcommons(['account', 'balance', ...whose, '--json'], locked)
    expect(JSON.parse(stdout || stderr)).toMatchObject({ gOpen: '2.498' })
  }
  expect(JSON.parse(await run('proposals', '--json'))).toHaveLength(1)
  await expect(readFile(join(folder, 'accounts/ada.json'), 'utf8')).resolves.toContain('"version": 3')
})

test('killed again and again while it contributes: run again, nothing is lost or doubled', async () => {
  const { url, world, folder, as } = await clientSystem()
  const samples = contents('parcel', 130)
  const file = join(folder, 'samples.jsonl')
  await writeFile(file, samples.map((sample) => JSON.stringify(sample)).join('\n'))
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(4) }
  const alice = await as(4)
  const datanetId = await createDatanet(alice, { modelId: 1n, licence: 'CC0-1.0', minStake: 7n })
  await world.send(alice.wallet?.account.address as `0x${string}`, 'GOpen', 'approve', [world.at.DatanetRegistry, 0n])
  const before = await world.balance(devAccount(4).address)
  const sent = await world.client.getTransactionCount({ address: devAccount(4).address })

  const again = (killAt?: [string, number]) =>
    modelcommons(['contribute', file, '--datanet', datanetId.toString()], env, killAt)
  for (const killAt of [
    ['committing', 1],
    ['DatanetRegistry.commit', 2],
    ['DatanetRegistry.commit', 1],
    ['publishing', 1],
    ['DatanetRegistry.submit', 1],
    ['DatanetRegistry.submit', 2],
    ['waiting for the index', 1],
  ] as [string, number][])
    expect((await again(killAt)).code, killAt.join()).toBe(null)
  const { code, stderr } = await again()
  expect(code, stderr).toBe(0)

  const rows = await listContributions(alice, { datanetId })
  expect(rows).toHaveLength(samples.length)
  expect(new Set(rows.map(({ contentHash }) => contentHash)).size).toBe(samples.length)
  expect(before - (await world.balance(devAccount(4).address))).toBe(10n ** 15n * BigInt(samples.length))
  // One approval, four commitments, four submissions.
  expect((await world.client.getTransactionCount({ address: devAccount(4).address })) - sent).toBe(9)
})

test('an account file opens with its passphrase only', async () => {
  const text = await sealKeystore(keyOf(1), 'right')
  expect(await openKeystore(text, 'right', 'a.json')).toBe(keyOf(1))
  await expect(openKeystore(text, 'wrong', 'a.json')).rejects.toThrow(/The passphrase does not open a.json/)
  await expect(openKeystore('{}', 'right', 'a.json')).rejects.toThrow(/no account file/)
})
