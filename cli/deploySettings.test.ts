import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { contradictionsOf, DEMO_SETTINGS, demoHolders } from '#contracts/settings.ts'
import { temporaryFolder } from '#workers/test/testWorker.ts'
import { readDeploySettings } from './deploySettings.ts'
import { HOLDER_FIELDS, SETTING_FIELDS, settingsHelp } from './settingFields.ts'

const EXAMPLE = 'docs/deployment.example.json'
type Given = { holders: Record<string, unknown>; settings: Record<string, unknown> }

async function refusal(change: (given: Given) => unknown): Promise<string> {
  const given = JSON.parse(await readFile(EXAMPLE, 'utf8')) as Given
  const file = join(await temporaryFolder(), 'settings.json')
  await writeFile(file, JSON.stringify(change(given) ?? given))
  return readDeploySettings(file).then(
    () => 'accepted',
    (error: Error) => error.message,
  )
}

test('the example has every field, and nothing in it contradicts anything else', async () => {
  const { holders, settings } = await readDeploySettings(EXAMPLE)
  expect(Object.keys(holders)).toEqual(Object.keys(HOLDER_FIELDS))
  expect(Object.keys(settings)).toEqual(Object.keys(SETTING_FIELDS))
  expect(contradictionsOf(settings, holders)).toEqual([])
})

test('every field stands in --help and in docs/deployment.md', async () => {
  const page = await readFile('docs/deployment.md', 'utf8')
  for (const name of [...Object.keys(HOLDER_FIELDS), ...Object.keys(SETTING_FIELDS)]) {
    expect(settingsHelp()).toContain(`  ${name} `)
    expect(page).toContain(`\`${name}\``)
  }
})

test('a value that cannot be read is refused with its field and an example', async () => {
  expect(await refusal(({ settings }) => void (settings.votingPeriod = 604800))).toContain(
    'settings.votingPeriod: expected a duration such as "2 days".',
  )
  expect(await refusal(({ settings }) => void (settings.minProposalBond = '100'))).toContain(
    'settings.minProposalBond: expected an amount such as "100 gOPEN".',
  )
  expect(await refusal(({ settings }) => void (settings.epochLength = '1 day'))).toContain(
    'settings.epochLength: expected a number of blocks such as "7200 blocks".',
  )
  expect(await refusal(({ settings }) => void delete settings.stakeHold)).toContain(
    'settings.stakeHold: is missing; expected a duration',
  )
  expect(await refusal(({ settings }) => void (settings.votingdelay = '1 day'))).toContain(
    'settings.votingdelay: there is no such field.',
  )
  expect(await refusal(({ holders }) => void (holders.resolver = '0x1'))).toContain(
    'holders.resolver: expected an address',
  )
  expect(await refusal(() => [])).toMatch(/^--settings: .*cannot be used/)
  await expect(readDeploySettings('nowhere.json')).rejects.toThrow('--settings: nowhere.json cannot be read')
})

test.each([
  ['lateQuorumExtension', '8 days', 'is 8 days, longer than votingPeriod (7 days): shorten it, or'],
  ['challengeWindow', '72 hours', 'is 3 days, less than 4 days: artifacts count as missing after 72 hours'],
  ['votingPeriod', '23 hours', 'is 23 hours, less than 1 day: '],
  ['timelockDelay', '0 days', 'is 0 seconds, less than 1 day: '],
  ['dailySpendPercent', 0, 'is 0: the workers could never pay anything'],
  ['dailySpendPercent', 100, 'is 100: the thief of the operator’s key could empty every mandate'],
  ['pauseTime', '5 hours', 'is 5 hours, less than 6 hours: '],
  ['treasurySharePercent', 0, 'is 0: no budget could ever be paid'],
  ['treasurySharePercent', 100, 'is 100: one vote could empty the treasury'],
  ['treasuryPeriod', '6 days', 'is 6 days, less than 7 days: '],
  ['appealTime', '13 days', 'is 13 days, less than 14 days: the timelock could not reverse a verdict in time'],
  ['disputeTerm', '13 days', 'is 13 days, less than 14 days: a vote could not decide'],
  ['reopenTime', '5 hours', 'is 5 hours, less than 6 hours: '],
  ['epochLength', '1687 blocks', 'is 1687 blocks, less than 1688: more than 256 maps could wait'],
  ['publisherBond', '0 gOPEN', 'is 0: it would cost nothing'],
  ['withdrawalDelay', '899 seconds', 'is 899 seconds, less than 15 minutes: hosts must redeem'],
  ['withdrawalDelay', '31 days', 'is 31 days, more than 30 days: clients and facilitators of x402'],
  ['stakeHold', '23 hours', 'is 23 hours, less than 1 day: '],
  ['minDisputeBond', '0 gOPEN', 'is 0: '],
  ['quorumPercent', 0, 'is 0: one vote would decide alone'],
])('%s: %s is refused', async (field, value, why) => {
  expect(await refusal(({ settings }) => void (settings[field] = value))).toContain(`settings.${field} ${why}`)
})

test('the settings and the single key of the demo are refused', () => {
  const found = contradictionsOf(DEMO_SETTINGS, demoHolders('0x1111111111111111111111111111111111111111'))
  expect(found.map(({ field }) => field)).toEqual(
    expect.arrayContaining(['votingDelay', 'proposalThreshold', 'challengeWindow', 'resolver']),
  )
})
