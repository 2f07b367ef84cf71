import { randomBytes } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { parseEther, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { webFolder } from '#cli/webFolder.ts'
import { type ClientSystem, clientSystem } from '#client/test/clientSystem.ts'
import { execute, openVote, propose } from '#contracts/test/mandate.ts'
import { HOLDER } from '#contracts/test/world.ts'
import { must } from '#test/must.ts'
import { chromiumPath, openBrowser, SIZES } from '../dashboards/screenshots.ts'
import { type InjectedWallet, injectWallet } from '../dashboards/test/injectedWallet.ts'

/** What people do from the page: in a real browser, with a wallet, on a real chain with its index and API. */

const without = chromiumPath() ? '' : ' (NOT RUN: no Chromium here; apt-get install chromium, or set CHROMIUM)'
const browserTest = test.skipIf(without !== '')

let browser: Browser | undefined
let system: ClientSystem
const ends: (() => Promise<void>)[] = []

beforeAll(async () => {
  vi.setConfig({ testTimeout: 120_000 })
  vi.stubEnv('NODE_ENV', 'production')
  if (without) return
  const web = await webFolder({ info() {} } as unknown as Parameters<typeof webFolder>[0])
  browser = await openBrowser()
  system = await clientSystem((end) => ends.unshift(end), { web: must(web) })
}, 120_000)
afterAll(async () => {
  for (const end of ends) await end()
  await browser?.close()
})

interface Visit {
  page: Page
  wallet: InjectedWallet
  errors: string[]
}

/** An account of its own with native tokens, a wallet that has it, and the page. */
async function visit(
  options: { native?: bigint; size?: keyof typeof SIZES } & Partial<Parameters<typeof injectWallet>[1]> = {},
): Promise<Visit> {
  const { native = parseEther('100'), size = 'desktop' } = options
  const account = privateKeyToAccount(toHex(randomBytes(32)))
  await system.world.rpc('anvil_setBalance', [account.address, toHex(native)])
  const context = await must(browser).newContext({ viewport: SIZES[size], reducedMotion: 'reduce' })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  const wallet = await injectWallet(page, { account, url: system.world.anvil.url, ...options })
  await page.goto(system.url)
  return { page, wallet, errors }
}

const dialog = (page: Page) => page.locator('dialog[open]')

async function connectKeeper(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Connect a wallet' }).click()
  await dialog(page).getByRole('button', { name: 'Keeper' }).click()
  await dialog(page).getByRole('heading', { name: 'Your account' }).waitFor()
}

/** Fills the form of the open act, reads what would be signed, agrees, and waits for the end. */
async function act(page: Page, fill: () => Promise<void> = async () => {}): Promise<{ plan: string; end: string }> {
  await fill()
  await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
  await dialog(page).getByRole('button', { name: 'Sign and send' }).waitFor()
  const plan = await dialog(page).innerText()
  await dialog(page).getByRole('button', { name: 'Sign and send' }).click()
  await dialog(page).locator('.act-done').waitFor()
  const end = await dialog(page).innerText()
  await dialog(page).locator('.act-button.is-main').click()
  return { plan, end }
}

browserTest(
  `a governor wraps, locks and delegates, votes with a reason, and carries out what passed${without}`,
  async () => {
    const { world } = system
    const { page, wallet, errors } = await visit()
    const { address } = wallet.account
    await connectKeeper(page)
    const label = (name: string) => dialog(page).getByLabel(name)
    await dialog(page).getByRole('button', { name: 'Wrap tokens' }).click()
    const wrapped = await act(page, () => label('Native tokens to wrap').fill('40'))
    expect(wrapped.plan).toMatch(/Wrap 40 native tokens[\s\S]*Gas, at most\s+0\.000\d+ native tokens/)
    expect(wrapped.end).toMatch(/You have wrapped 40 gOPEN[\s\S]*You have 40 gOPEN free/)
    expect(await world.balance(address)).toBe(parseEther('40'))

    await page.locator('[data-wallet=ready]').click()
    await dialog(page).getByRole('button', { name: 'Lock and delegate' }).click()
    expect(await label('Who votes with it').inputValue()).toBe(address)
    const locked = await act(page, () => label('gOPEN to lock').fill('30'))
    expect(locked.plan).toMatch(/2 transactions[\s\S]*Lock 30 gOPEN[\s\S]*vote with all/)
    expect(await world.read('GOpen', 'getVotes', [address])).toBe(parseEther('30'))

    const { proposalId, actions } = await propose(world)
    await openVote(world, actions)
    await page.locator('[data-act=vote]').first().click()
    await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
    await dialog(page).getByText('Choose one.').waitFor()
    const vote = await act(page, async () => {
      await label('For').first().check()
      await label('Your reason').fill('It answers where others only sort.')
    })
    expect(vote.plan).toMatch(/Vote for on proposal .*: “It answers where others only sort\.”/)
    expect(vote.end).toMatch(/You have voted for\.[\s\S]*For 30, against 0, abstain 0/)
    expect(await world.read('ModelGovernor', 'proposalVotes', [proposalId])).toEqual([0n, parseEther('30'), 0n])

    await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, 1])
    await world.send(HOLDER, 'GOpen', 'transfer', [world.at.Treasury, parseEther('100')])
    await world.warp(1_001)
    await page.locator('[data-act=queue]').first().click()
    await act(page)
    await world.warp(101)
    await page.locator('[data-act=execute]').first().click()
    expect((await act(page)).end).toContain('the proposal is executed')
    expect(await world.read('ModelGovernor', 'state', [proposalId])).toBe(7)
    expect(errors).toEqual([])
  },
)
