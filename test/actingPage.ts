// biome-ignore-all lint/performance/useDomNodeTextContent: the tests are about the visible text

import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { parseEther, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, onTestFinished, test, vi } from 'vitest'
import { webFolder } from '#cli/webFolder.ts'
import type { ClientSystem } from '#client/test/clientSystem.ts'
import { chromiumPath, openBrowser, SIZES } from '../dashboards/screenshots.ts'
import { type InjectedWallet, injectWallet } from '../dashboards/test/injectedWallet.ts'
import { must } from './must.ts'

/** The page in a real browser, with a wallet, on a real chain with its index and API. */

export const noBrowser = chromiumPath() ? '' : ' (NOT RUN: no Chromium here; apt-get install chromium, or set CHROMIUM)'
export const browserTest = (name: string, body: () => Promise<void>) =>
  test.skipIf(noBrowser !== '')(name, body, 240_000)

export interface Visit {
  page: Page
  wallet: InjectedWallet
  errors: string[]
}

export interface VisitOptions {
  native?: bigint
  size?: keyof typeof SIZES
  scheme?: 'light' | 'dark'
  on?: Pick<ClientSystem, 'world' | 'url'>
  path?: string
  /** Before the page is opened. */
  prepare?(page: Page): Promise<void>
}

type AtEnd = (end: () => Promise<void>) => void

/** Opens a system and a browser for the tests of a file. `open` gets the folder of the built page. */
export function actingPage<S extends ClientSystem>(open: (atEnd: AtEnd, over: { web: string }) => Promise<S>) {
  let browser: Browser | undefined
  let opened: S | undefined
  let web = ''
  const ends: (() => Promise<void>)[] = []
  beforeAll(async () => {
    vi.stubEnv('NODE_ENV', 'production')
    if (noBrowser) return
    web = must(await webFolder({ info() {} } as unknown as Parameters<typeof webFolder>[0]))
    browser = await openBrowser()
    opened = await open((end) => ends.unshift(end), { web })
  })
  afterAll(async () => {
    for (const end of ends) await end()
    await browser?.close()
  })
  return {
    get system(): S {
      return must(opened)
    },
    get web(): string {
      return web
    },
    /** An account of its own with native tokens, a wallet that has it, and the page. */
    async visit(options: VisitOptions & Partial<Parameters<typeof injectWallet>[1]> = {}): Promise<Visit> {
      const { native = parseEther('100'), size = 'desktop', scheme = 'light', on = must(opened), path = '/' } = options
      const account = options.account ?? privateKeyToAccount(toHex(randomBytes(32)))
      await on.world.rpc('anvil_setBalance', [account.address, toHex(native)])
      const context = await must(browser).newContext({
        ...{ viewport: SIZES[size], reducedMotion: 'reduce', colorScheme: scheme },
      })
      onTestFinished(() => context.close())
      context.setDefaultTimeout(120_000)
      const page = await context.newPage()
      const errors: string[] = []
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
      page.on('pageerror', (error) => errors.push(error.message))
      const wallet = await injectWallet(page, { ...options, account, url: on.world.anvil.url })
      await options.prepare?.(page)
      await page.goto(on.url + path)
      return { page, wallet, errors }
    },
  }
}

export const dialog = (page: Page) => page.locator('dialog[open]')

export async function connectKeeper(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Connect a wallet' }).click()
  await dialog(page).getByRole('button', { name: 'Keeper' }).click()
  await dialog(page).getByRole('heading', { name: 'Your account' }).waitFor()
}

/** Connects, and goes back to the page. */
export async function connectAndClose(page: Page): Promise<void> {
  await connectKeeper(page)
  await page.keyboard.press('Escape')
  await dialog(page).waitFor({ state: 'detached' })
}

const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds in the open dialog. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await axeSource)
  return page.evaluate<string[]>(
    `axe.run('dialog[open]').then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))`,
  )
}

/** A picture for `npm run screenshots`. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS
  if (!folder) return
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: `${folder}/act-${name}.png` })
}

/** Fills the form of the open act, reads what would be signed, agrees by a button, and waits for the end. */
export async function act(
  page: Page,
  fill: () => Promise<void> = async () => {},
  agree = 'Sign and send',
): Promise<{ plan: string; end: string }> {
  await fill()
  await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
  await dialog(page).getByRole('button', { name: agree }).waitFor()
  const plan = await dialog(page).innerText()
  await dialog(page).getByRole('button', { name: agree }).click()
  await dialog(page).locator('.act-done').waitFor()
  const end = await dialog(page).innerText()
  await dialog(page).locator('.act-button.is-main').click()
  return { plan, end }
}
