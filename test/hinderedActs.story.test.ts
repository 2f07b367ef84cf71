// biome-ignore-all lint/performance/useDomNodeTextContent: the test is about the visible text

import type { Page } from 'playwright-core'
import { parseEther } from 'viem'
import { expect, vi } from 'vitest'
import { clientSystem } from '#client/test/clientSystem.ts'
import {
  actingPage,
  browserTest,
  connectAndClose,
  connectKeeper,
  dialog,
  noBrowser,
  picture,
  violations,
} from './actingPage.ts'

/** What keeps an act of the page from its end, and what the page says and does then: nothing is signed that should not be, nothing is sent twice. */

const acting = actingPage(clientSystem)
const { visit } = acting

browserTest(`what cannot work is told in words, and nothing is signed${noBrowser}`, async () => {
  const poor = await visit({ native: 0n })
  await connectKeeper(poor.page)
  await dialog(poor.page).getByRole('button', { name: 'Wrap tokens' }).click()
  await dialog(poor.page).getByLabel('Native tokens to wrap').fill('1')
  await dialog(poor.page).getByRole('button', { name: 'Check what it costs' }).click()
  await dialog(poor.page).getByText('too few native tokens').waitFor()

  const elsewhere = await visit({ chainId: 1, knows: false, size: 'phone', scheme: 'dark' })
  await elsewhere.page.getByRole('button', { name: 'Connect a wallet' }).click()
  await dialog(elsewhere.page).getByRole('button', { name: 'Keeper' }).click()
  await dialog(elsewhere.page).getByText('Keeper is on chain 1; the contracts are on chain 31337').waitFor()
  expect(await violations(elsewhere.page)).toEqual([])
  await picture(elsewhere.page, 'wrong-chain-phone-dark')
  await dialog(elsewhere.page).getByRole('button', { name: 'Switch to chain 31337' }).click()
  await dialog(elsewhere.page).getByRole('heading', { name: 'Your account' }).waitFor()
  expect(elsewhere.wallet.asked.slice(1, 3)).toEqual(['wallet_switchEthereumChain', 'wallet_addEthereumChain'])

  const { page, wallet } = elsewhere
  await dialog(page).getByRole('button', { name: 'Wrap tokens' }).click()
  await dialog(page).getByLabel('Native tokens to wrap').fill('1')
  await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
  wallet.refuses = true
  await dialog(page).getByRole('button', { name: 'Sign and send' }).click()
  await dialog(page).getByRole('alert').getByText('refused to sign. Nothing was sent.').waitFor()
  wallet.refuses = false
  await dialog(page).getByRole('button', { name: 'Try again' }).click()
  await dialog(page).locator('.act-done').waitFor()
  expect(await acting.system.world.balance(wallet.account.address)).toBe(parseEther('1'))
})

browserTest(
  `an act that a reload cuts off goes on, and is sent once; an API that is away is told${noBrowser}`,
  async () => {
    const { page, wallet } = await visit()
    await connectKeeper(page)
    await dialog(page).getByRole('button', { name: 'Wrap tokens' }).click()
    await dialog(page).getByLabel('Native tokens to wrap').fill('3')
    await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
    await dialog(page).getByRole('button', { name: 'Sign and send' }).waitFor()
    const stranger = await page.context().newPage()
    await stranger.goto(acting.system.url)
    await stranger.getByRole('button', { name: 'Connect a wallet' }).waitFor()
    await acting.system.stopApi()
    await dialog(page).getByRole('button', { name: 'Sign and send' }).click()
    await vi.waitFor(
      async () => expect(await acting.system.world.balance(wallet.account.address)).toBe(parseEther('3')),
      20_000,
    )
    await page.goto('about:blank') // before the act can end
    await stranger.getByRole('button', { name: 'Connect a wallet' }).click()
    await dialog(stranger).getByRole('alert').getByText('does not answer').waitFor()
    await acting.system.startApi()
    await page.goto(acting.system.url)
    await page.locator('[data-wallet=ready]').click()
    await dialog(page).getByRole('button', { name: 'Continue' }).click()
    await dialog(page).locator('.act-done').getByText('You have wrapped 3 gOPEN.').waitFor()
    expect(await acting.system.world.balance(wallet.account.address)).toBe(parseEther('3'))
    expect(wallet.asked.filter((method) => method === 'eth_sendTransaction')).toHaveLength(1)
  },
)

browserTest(`an API that names other contracts gets no signature${noBrowser}`, async () => {
  const lie = async (page: Page) => {
    await page.route('**/.well-known/modelcommons.json', async (route) => {
      const answer = await route.fetch()
      const facts = await answer.json()
      facts.addresses.DatanetRegistry = facts.addresses.FeedbackPool
      await route.fulfill({ response: answer, json: facts })
    })
  }
  const first = await visit({ prepare: lie })
  await first.page.getByRole('button', { name: 'Connect a wallet' }).click()
  await dialog(first.page).getByRole('button', { name: 'Keeper' }).click()
  await dialog(first.page).getByRole('alert').getByText('does not belong to').waitFor()

  const { page, wallet } = await visit()
  await connectAndClose(page)
  await lie(page)
  await page.reload()
  await page.getByRole('button', { name: 'Wallet: look here' }).click()
  await dialog(page).getByRole('alert').getByText('names other contracts').waitFor()
  expect(await violations(page)).toEqual([])
  expect([first.wallet.asked, wallet.asked]).toEqual([['eth_requestAccounts'], ['eth_requestAccounts']])
})
