import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { webFolder } from '#cli/webFolder.ts'
import { startApi } from '#graphql/index.ts'
import { localStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { SIZES } from '../dashboards/screenshots.ts'
import { freshDatabase } from './database.ts'
import { TEST_CHAIN_ID } from './factory.ts'

/** Serves the built page by the API on `db`; the API can be stopped and started again at the same address. */
export async function serveOn(db: Database) {
  const folder = await mkdtemp(join(tmpdir(), 'modelcommons-web-'))
  const artifacts = localStore(folder)
  const web = await webFolder({ info() {} } as unknown as Parameters<typeof webFolder>[0])
  const open = (port: number) =>
    startApi({
      db,
      queues: { add: async () => {} },
      artifacts,
      host: '127.0.0.1',
      port,
      auth: 'open',
      log: { error: (details) => console.error(details) },
      deployment: { chainId: TEST_CHAIN_ID, addresses: {} },
      web,
    })
  const first = await open(0)
  let api: Awaited<ReturnType<typeof open>> | undefined = first
  const stop = async () => {
    await api?.stop()
    api = undefined
  }
  const start = async () => {
    api = await open(Number(new URL(first.url).port))
  }
  const close = async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { url: first.url, db, artifacts, stop, start, close }
}

/** Serves the page on a fresh database until the test is over. */
export async function servePage() {
  const served = await serveOn(await freshDatabase())
  onTestFinished(served.close)
  return served
}

type Visit = Parameters<Browser['newContext']>[0] & { size: keyof typeof SIZES }

/** Opens the page and collects all errors of the browser's console. */
export async function visit(browser: Browser, url: string, { size, ...options }: Visit) {
  const context = await browser.newContext({ viewport: SIZES[size], reducedMotion: 'reduce', ...options })
  onTestFinished(() => context.close())
  context.setDefaultTimeout(120_000)
  const page: Page = await context.newPage()
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('response', (response) => response.status() >= 400 && errors.push(`${response.status()} ${response.url()}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:'))
      errors.push(`asks ${request.url()}`)
  })
  await page.goto(url)
  return { page, errors }
}
