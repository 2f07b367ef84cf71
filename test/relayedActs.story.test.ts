// biome-ignore-all lint/performance/useDomNodeTextContent: the test is about the visible text

import type { Page } from 'playwright-core'
import { parseEther } from 'viem'
import type { LocalAccount } from 'viem/accounts'
import { expect } from 'vitest'
import { createDatanet, delegate, waitForBlock } from '#client/index.ts'
import { finalMap } from '#client/test/finalMap.ts'
import { openVote, propose } from '#contracts/test/mandate.ts'
import { ALICE, OPERATOR } from '#contracts/test/world.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RelayedAct } from '#schema/offchain/relay.ts'
import { act, actingPage, browserTest, connectKeeper, dialog, noBrowser, picture, violations } from './actingPage.ts'
import { insertAll } from './factory.ts'
import { relayingSystem, setNative } from './relayingSystem.ts'

/** What people without native tokens do from the page: they sign, and the relayer of the API sends. */

const acting = actingPage((atEnd, page) => relayingSystem(atEnd, {}, page))

/** A new account with 2 gOPEN that vote and 1 that is free, and no native tokens. */
async function personWithoutGas(nth: number): Promise<LocalAccount> {
  const { world, person, keyOf, as } = acting.system
  const account = await person(nth, parseEther('3'))
  await setNative(world, account.address, parseEther('1'))
  const client = await as(undefined, { account, apiKey: await keyOf(account.address) })
  await delegate(client, { to: OPERATOR.address, lock: parseEther('2') })
  await setNative(world, account.address, 0n)
  return account
}

/** The page of an account without native tokens, which has entered its key of the API, if it has one. */
async function visit(account: LocalAccount, { key = true, ...options }: { key?: boolean; size?: 'phone' } = {}) {
  const visited = await acting.visit({ account, native: 0n, ...options })
  const { page } = visited
  await connectKeeper(page)
  if (key) {
    await dialog(page).getByText('A key of this API').click()
    await dialog(page)
      .getByLabel('Key', { exact: true })
      .fill(await acting.system.keyOf(account.address))
    await dialog(page).getByRole('button', { name: 'Use it' }).click()
    await dialog(page).locator('.balances').waitFor()
  }
  await page.keyboard.press('Escape')
  return visited
}

async function open(page: Page, path: string, name: string): Promise<void> {
  const { as, world, url } = acting.system
  await waitForBlock(await as(), await world.client.getBlockNumber({ cacheTime: 0 }))
  await page.goto(url + path)
  await page.locator('[data-wallet=ready]').waitFor()
  await page.locator(`main [data-act=${name}]`).first().click()
}

browserTest(
  `a person without native tokens delegates, votes, contributes and claims by signing alone${noBrowser}`,
  async () => {
    const { system } = acting
    const { world } = system
    const account = await personWithoutGas(1)
    const { page, wallet, errors } = await visit(account)
    const home = `/accounts/${account.address.toLowerCase()}`
    const label = (name: string) => dialog(page).getByLabel(name)

    await open(page, home, 'delegate')
    const delegated = await act(page, async () => {}, 'Sign only')
    expect(delegated.plan).toMatch(/signed by you and sent by the relayer[\s\S]*Gas, at most\s+none: the relayer pays/)
    expect(await world.read('GOpen', 'getVotes', [account.address])).toBe(parseEther('2'))

    const { proposalId, actions } = await propose(world)
    await openVote(world, actions)
    await open(page, `/proposals/${proposalId}`, 'vote')
    await dialog(page).getByRole('radio', { name: 'Against' }).check()
    await label('Your reason').fill('Too dear.')
    await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
    expect(await dialog(page).getByRole('radio', { name: 'The relayer of this API' }).isChecked()).toBe(true)
    expect(await violations(page)).toEqual([])
    await picture(page, 'relay')
    await dialog(page).getByRole('button', { name: 'Sign only' }).click()
    await dialog(page).locator('.act-done').getByText('You have voted against.').waitFor()
    expect(await world.read('ModelGovernor', 'proposalVotes', [proposalId])).toEqual([parseEther('2'), 0n, 0n])

    const owner = await system.as(2, { apiKey: await system.keyOf(ALICE.address, 'Operator') })
    const datanetId = await createDatanet(owner, { modelId: system.modelId, licence: 'CC0-1.0', minStake: 0n })
    await open(page, `/datanets/${datanetId}`, 'contribute')
    await label('Prompt').fill('Where is it?')
    await label('Completion').fill('On its way.')
    await dialog(page).getByRole('button', { name: 'Check the samples' }).click()
    const given = await act(page, async () => {}, 'Sign only')
    expect(given.end).toContain('One sample is submitted.')

    await finalMap({ ...system, as: () => system.as() }, [[account.address, 9n]])
    await open(page, home, 'claim')
    await act(page, async () => {}, 'Sign only')
    expect(await world.balance(account.address)).toBe(parseEther('1') - parseEther('0.001') + 9n)
    expect(await world.client.getBalance({ address: account.address })).toBe(0n)
    // The delegation, the ballot, the permit for the stake, and the batch. Nobody signs for a commitment or a claim.
    expect(wallet.asked.filter((method) => method !== 'eth_requestAccounts')).toEqual(
      Array.from({ length: 4 }, () => 'eth_signTypedData_v4'),
    )
    expect(errors).toEqual([])
  },
)

browserTest(`what is not relayed is told in words, and nothing is sent for it${noBrowser}`, async () => {
  const { system } = acting
  const account = await personWithoutGas(2)
  const home = `/accounts/${account.address.toLowerCase()}`
  const sent = await system.sent()
  const { page, wallet } = await visit(account, { size: 'phone' })
  await open(page, home, 'delegate')
  await dialog(page).getByLabel('gOPEN to lock').fill('1')
  await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
  await dialog(page).getByText('GOpen.lock cannot be relayed: its contract takes it only from the account').waitFor()
  expect(await dialog(page).getByRole('radio').count()).toBe(0)
  expect(await violations(page)).toEqual([])
  await picture(page, 'relay-refused-phone')

  const past = Array.from({ length: system.limits.actsPerDay }, (_, nth) => `past ${nth}`)
  const job = { kind: 'relay', status: 'Succeeded', finishedAt: new Date() } as const
  await insertAll(
    system.db,
    JobRun,
    past.map((id) => ({ id, ...job })),
  )
  const done = { account: account.address.toLowerCase(), gasUsed: 0, createdAt: new Date() }
  await insertAll(
    system.db,
    RelayedAct,
    past.map((id) => ({ id, ...done })),
  )
  await open(page, home, 'delegate')
  await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
  await dialog(page).getByRole('button', { name: 'Sign only' }).click()
  await dialog(page)
    .getByRole('alert')
    .getByText(`${system.limits.actsPerDay} acts in 24 hours are relayed for`)
    .waitFor()

  const stranger = await visit(await personWithoutGas(3), { key: false })
  await open(stranger.page, `/accounts/${stranger.wallet.account.address.toLowerCase()}`, 'delegate')
  await dialog(stranger.page).getByRole('button', { name: 'Check what it costs' }).click()
  await dialog(stranger.page).getByRole('button', { name: 'Sign only' }).click()
  await dialog(stranger.page).getByRole('alert').getByText(/key/).waitFor()
  expect(await system.sent()).toBe(sent)
  expect(wallet.asked).not.toContain('eth_sendTransaction')
})
