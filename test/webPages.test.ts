// biome-ignore-all lint/performance/useDomNodeTextContent: the test is about the visible text

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { type Database, openDatabase } from '#schema/database.ts'
import { ensureDatabase } from '#schema/postgres.ts'
import { must } from '#test/must.ts'
import { chromiumPath, openBrowser } from '../dashboards/screenshots.ts'
import { insertLifecycle } from '../dashboards/test/lifecycle.ts'
import { account } from './factory.ts'
import { databaseUrl } from './postgres.setup.ts'
import { serveOn, visit } from './servedPage.ts'

/** The pages of the application, on one lifecycle: every page by its address, by links, by search, in both themes, on a phone. */

const without = chromiumPath() ? '' : ' (NOT RUN: no Chromium here; apt-get install chromium, or set CHROMIUM)'
const browserTest = test.skipIf(without !== '')
/** Every page with all rules of axe takes a while on a busy machine. */
const WHOLE_TOUR = { timeout: 600_000 }

let browser: Browser
let db: Database
let served: Awaited<ReturnType<typeof serveOn>>
let axe: string

beforeAll(async () => {
  vi.stubEnv('NODE_ENV', 'production')
  if (without) return
  const server = inject('postgresUrl')
  await ensureDatabase(server, 'test_web_pages', 'template')
  db = await openDatabase(databaseUrl(server, 'test_web_pages'))
  served = await serveOn(db)
  await insertLifecycle(db, served.artifacts)
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await served?.close()
  await db?.close()
})

/** Every page, and what a person reads there. */
const PAGES: [path: string, text: RegExp][] = [
  ['/', /Propose[\s\S]*Recourse/],
  ['/proposals', /Support triage[\s\S]*Passed and carried out[\s\S]*3,250/],
  ['/proposals/77', /Support triage[\s\S]*Timeline[\s\S]*Carried out[\s\S]*fieldsExact ≥ 60\.0\s%[\s\S]*Who voted/],
  ['/models', /Support triage[\s\S]*Version 3/],
  ['/models/1', /version 3 serves[\s\S]*Versions against targets[\s\S]*Version 4[\s\S]*Worse than the live one/],
  ['/versions/3', /Promoted · live[\s\S]*fieldsExact 84\.0\s% \(78\.0\s% to 89\.0\s%\) reaches 60\.0\s%/],
  ['/versions/2', /fieldsExact is [\d.]+\s% \(21\.0\s% to [\d.]+\s%\); 60\.0\s% is asked for/],
  ['/accounts', /Contributors[\s\S]*Validators/],
  [`/accounts/${account(0x101)}`, /Why it earned this[\s\S]*0\.12 Training data, Sample 1[\s\S]*0\.45 × 26\.67\s%/],
  ['/datanets', /Datanet 1[\s\S]*60/],
  ['/datanets/1', /Samples accepted[\s\S]*Sample 60/],
  ['/datanets/1?status=Rejected', /rejected/],
  ['/contributions/1', /Sample 1[\s\S]*accepted[\s\S]*What it did for the model/],
  ['/epochs', /Epoch 1/],
  ['/epochs/1', /To whom[\s\S]*Training data[\s\S]*Who gets what, and why/],
  ['/jobs', /Alignment of version 1 by RLOO/],
  ['/jobs?status=Failed', /failed/],
  ['/jobs/rlhf-1', /Alignment of version 1 by RLOO[\s\S]*Curves/],
  ['/disputes', /Dispute 1[\s\S]*upheld/],
  ['/disputes/1', /is disputed[\s\S]*Challenged by/],
  ['/events', /Version 3 met its targets and was promoted/],
  ['/events/000000000088-000001', /VersionPromoted[\s\S]*Version 3/],
  ['/events?name=VersionPromoted&versionId=3', /Version 3 met its targets/],
  ['/lineage/ModelVersion:3', /Export as PROV[\s\S]*What led here[\s\S]*Version 1/],
  ['/search?q=triage', /Search: triage/],
  ['/models/99', /There is no such model/],
  ['/accounts/nobody', /There is no such account/],
  ['/nowhere', /There is no page at this address/],
]

/** Waits until nothing is read any more. */
async function settle(page: Page) {
  await page.locator('main h1').first().waitFor()
  await page
    .locator('main')
    .filter({ hasNotText: /Reading/ })
    .waitFor()
}

const violations = (page: Page) =>
  page.evaluate<string[]>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map((node) => id + ': ' + node.html.slice(0, 160))))`,
  )

for (const [size, colorScheme] of [
  ['phone', 'light'],
  ['desktop', 'dark'],
] as const)
  browserTest(
    `every page can be opened by its address on a ${size}, ${colorScheme}, without a finding of axe${without}`,
    WHOLE_TOUR,
    async () => {
      const { page, errors } = await visit(browser, served.url, { size, colorScheme, bypassCSP: true })
      for (const [path, text] of PAGES) {
        await page.goto(served.url + path)
        await settle(page)
        expect(await page.locator('main').innerText(), path).toMatch(text)
        expect(
          await page.evaluate('document.documentElement.scrollWidth - window.innerWidth'),
          `${path} is wider than the screen`,
        ).toBeLessThanOrEqual(0)
        await page.evaluate(axe)
        expect(await violations(page), path).toEqual([])
      }
      expect(errors).toEqual([])
    },
  )

browserTest(
  `pages lead to each other: from the overview to why a person earned in three clicks, and back${without}`,
  async () => {
    const { page, errors } = await visit(browser, served.url, { size: 'desktop' })
    await page.locator(`[data-contributor="${account(0x101)}"] a.account`).click()
    await page.getByRole('heading', { name: 'Why it earned this' }).waitFor()
    expect(await page.evaluate('scrollY'), 'a page begins at its top').toBe(0)
    await page.locator('#earnings').getByRole('link', { name: 'Sample 1', exact: true }).first().click()
    await page.getByRole('heading', { name: 'What was given' }).waitFor()
    expect(await page.title()).toBe('Sample 1, sample · ModelCommons')
    await page.reload()
    await page.getByRole('heading', { name: 'What was given' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Why it earned this' }).waitFor()
    expect(errors).toEqual([])
  },
)

browserTest(`a list of many rows is read page by page, and the server counts them${without}`, async () => {
  const { page } = await visit(browser, `${served.url}/datanets/1`, { size: 'desktop' })
  const samples = page.locator('#samples')
  await samples.getByText('25 of 60').waitFor()
  const first = await samples.locator('tbody tr').first().innerText()
  await samples.getByRole('link', { name: 'Next' }).click()
  await expect.poll(() => samples.locator('tbody tr').first().innerText()).not.toBe(first)
  await samples.getByRole('link', { name: 'Previous' }).waitFor()
  const second = await samples.locator('tbody tr').first().innerText()
  expect(second).not.toBe(first)
  await page.reload()
  await samples.locator('tbody tr').first().waitFor()
  expect(await samples.locator('tbody tr').first().innerText(), 'the page is in the address').toBe(second)
  await samples.getByRole('link', { name: 'Previous' }).click()
  await samples.getByText(first.split('\t')[0] ?? '', { exact: true }).waitFor()
})

browserTest(
  `search in the header finds an account and leads to its page; on a phone the menu leads to the lists${without}`,
  async () => {
    const { page, errors } = await visit(browser, served.url, { size: 'phone' })
    await page.getByRole('searchbox', { name: 'Search', exact: true }).fill(account(0x101))
    await page.keyboard.press('Enter')
    await page.locator('#hits a').first().click()
    await page.getByRole('heading', { name: 'Why it earned this' }).waitFor()
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Rewards' }).click()
    await page.getByRole('link', { name: 'Epoch 1' }).first().waitFor()
    expect(await page.getByRole('button', { name: 'Menu' }).getAttribute('aria-expanded')).toBe('false')
    expect(errors).toEqual([])
  },
)

browserTest(`a lineage opens step by step, and each edge leads to its event${without}`, async () => {
  const { page, errors } = await visit(browser, `${served.url}/lineage/ModelVersion:3`, { size: 'desktop' })
  const causes = page.locator('#causes')
  const parent = causes.locator('[data-node="ModelVersion:1"]')
  await parent.getByRole('button').first().click()
  await parent.locator('[data-node="Model:1"]').first().waitFor()
  const effects = page.locator('#effects')
  await effects.locator('[data-node^="Evaluation:"]').first().waitFor()
  await parent.locator('.event-link').first().click()
  await page.waitForURL(/\/events\?name=VersionRegistered/)
  expect(errors).toEqual([])
})

browserTest(
  `the script of the first page has at most 200 KB when compressed, and comes once a year${without}`,
  async () => {
    const { page } = await visit(browser, served.url, { size: 'desktop' })
    await settle(page)
    const scripts = await page.evaluate<string[]>(
      `performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js')).map(({ name }) => name)`,
    )
    expect(scripts.length).toBeGreaterThan(0)
    let bytes = 0
    for (const url of scripts) {
      const answer = await fetch(url)
      expect(answer.headers.get('cache-control')).toContain('immutable')
      bytes += gzipSync(must(Buffer.from(await answer.arrayBuffer()))).length
    }
    expect(bytes).toBeLessThan(200 * 1024)
  },
)
