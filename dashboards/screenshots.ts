import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { LISTS } from './web/paths.ts'

/** Where to look for Chromium: `CHROMIUM`, or the paths of Linux distributions. */
export const chromiumPath = (): string | undefined =>
  [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  )

export function openBrowser(): Promise<Browser> {
  const executablePath = chromiumPath()
  if (!executablePath)
    throw new Error('Chromium was not found. Install it (apt-get install chromium), or set CHROMIUM to its path.')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] })
}

export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 900 } } as const
const SCHEMES = ['light', 'dark'] as const

/** Takes pictures of whole pages at `url`, on a phone and a desktop, light and dark: every list, and the first thing on it. Returns the files. */
export async function capture(browser: Browser, url: string, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const files: string[] = []
  for (const [size, viewport] of Object.entries(SIZES))
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: 1, reducedMotion: 'reduce' })
      const page = await context.newPage()
      const take = async (path: string, name: string) => {
        await page.goto(new URL(path, url).href)
        await page.locator('main h1').first().waitFor()
        await page
          .locator('main')
          .filter({ hasNotText: /Reading/ })
          .waitFor()
        const file = resolve(folder, `${name}-${size}-${colorScheme}.png`)
        await page.screenshot({ path: file, fullPage: true })
        files.push(file)
      }
      for (const { path, title } of LISTS) {
        const name = title.toLowerCase()
        await take(path, name)
        const first = await page
          .locator('main tbody a')
          .first()
          .getAttribute('href', { timeout: 1000 })
          .catch(() => null)
        if (first && path !== '/') await take(first, `${name}-first`)
      }
      await context.close()
    }
  return files
}

/** `npm run screenshots -- DIR [URL]`: screenshots of the pages at URL, or of those with the rows of the browser test. */
async function main([folder, url]: string[]): Promise<number> {
  if (!folder) throw new Error('Name a folder for the screenshots: npm run screenshots -- DIR [URL]')
  if (!url)
    return (
      spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/web.test.ts'], {
        stdio: 'inherit',
        env: { ...process.env, SCREENSHOTS: resolve(folder) },
      }).status ?? 1
    )
  const browser = await openBrowser()
  try {
    for (const file of await capture(browser, url, folder)) console.log(file)
  } finally {
    await browser.close()
  }
  return 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code
    },
    (error: Error) => {
      console.error(error.message)
      process.exitCode = 1
    },
  )
