// biome-ignore-all lint/performance/useDomNodeTextContent: the test is about the visible text

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { notify } from '#schema/notifications.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { must } from '#test/must.ts'
import { capture, chromiumPath, openBrowser } from '../dashboards/screenshots.ts'
import { insertLifecycle } from '../dashboards/test/lifecycle.ts'
import { account, countTotals, insertAll, insertChain } from './factory.ts'
import { servePage, visit } from './servedPage.ts'

const without = chromiumPath() ? '' : ' (NOT RUN: no Chromium here; apt-get install chromium, or set CHROMIUM)'
const browserTest = test.skipIf(without !== '')

let browser: Browser | undefined
beforeAll(async () => {
  vi.stubEnv('NODE_ENV', 'production')
  if (!without) browser = await openBrowser()
})
afterAll(() => browser?.close())

browserTest(`an empty system says what will appear${without}`, async () => {
  const { url, db } = await servePage()
  await insertChain(db, 3)
  const { page, errors } = await visit(must(browser), url, { size: 'desktop' })
  await page.getByText('No proposal yet.').waitFor()
  for (const sentence of [
    'No job yet.',
    'No version yet.',
    'Nobody has contributed yet.',
    'No model has a mandate yet.',
    'Nobody judges yet.',
  ])
    await page.getByText(sentence).waitFor()
  expect(await page.locator('.stage.is-waiting').count()).toBe(10)
  expect(errors).toEqual([])
})

for (const size of ['phone', 'desktop'] as const)
  browserTest(`a lifecycle can be read on a ${size}${without}`, async () => {
    const { url, db, artifacts } = await servePage()
    await insertLifecycle(db, artifacts)
    const { page, errors } = await visit(must(browser), url, { size })

    await page.locator('.is-live').waitFor()
    await page.locator('.stage-figure').getByText('60').waitFor()
    expect(await page.locator('[data-stage=gather] .stage-figure').innerText()).toMatch(/^60 samples$/)
    expect(await page.locator('[data-stage=govern] .stage-figure').innerText()).toMatch(/^3 votes$/)
    await page.locator('[data-stage=align].is-running').waitFor()
    expect(await page.locator('.now').innerText()).toContain('sampling step 26 of 40, 64 %')

    const tally = page.locator('#proposals .tally').first()
    expect(await tally.getAttribute('aria-label')).toBe(
      'For 3,250, against 1,000, abstain 250 gOPEN; quorum 1,800, reached',
    )
    await page.locator('#proposals').getByRole('heading', { name: 'Support triage', exact: true }).waitFor()

    const steward = page.locator('[data-steward="1"]')
    expect(await steward.innerText()).toMatch(
      /Support triage[\s\S]*at work[\s\S]*In progress: rlhf[\s\S]*Score samples[\s\S]*waits for 12 more samples, of 32, due in \d+ min at the latest/,
    )
    expect(await steward.innerText()).toMatch(/Align\s*running[\s\S]*Evaluate\s*failed[\s\S]*ARTIFACT_MISSING: Item/)
    expect(await page.locator('#steward').innerText()).toMatch(
      /no alarm[\s\S]*Publish rewards\s*waits for the last block/,
    )

    const curve = page.locator('[data-curve=reward]').first()
    await curve.waitFor()
    expect(await curve.locator('svg').getAttribute('aria-label')).toMatch(
      /^Reward: from .* at step 1 to .* at step 26$/,
    )
    expect(await page.locator('.job.is-failed').innerText()).toContain('Upload the item first')

    const refused = page.locator('[data-version="2"]')
    expect(await refused.innerText()).toMatch(
      /Refused[\s\S]*fieldsExact is [\d.]+\s% \(21.0\s% to [\d.]+\s%\); 60.0\s% is asked for/,
    )
    expect(
      await page.locator('[data-version="3"] [data-metric=fieldsExact] .interval-track').getAttribute('aria-label'),
    ).toBe('fieldsExact 84.0\u00a0%, interval 78.0\u00a0% to 89.0\u00a0%, target 60.0\u00a0% met')
    const worse = page.locator('[data-version="4"]')
    expect(await worse.innerText()).toMatch(
      /Worse than the live one[\s\S]*Version 3 stays: fieldsExact 67.0\s% \(61.0\s% to 72.0\s%\) against 84.0\s% \(78.0\s% to 89.0\s%\)/,
    )
    expect(await worse.locator('[data-metric=fieldsExact] .interval-track').getAttribute('aria-label')).toContain(
      'live version 84.0\u00a0%, interval 78.0\u00a0% to 89.0\u00a0%',
    )
    expect(await page.locator('.lineage svg').getAttribute('aria-label')).toContain(
      'Version 3, Promoted · live, from version 1',
    )

    const best = page.locator(`[data-contributor="${account(0x101)}"]`)
    await best.getByRole('button').click()
    await best.getByText('What paid').waitFor()
    expect(await best.locator('.lines').innerText()).toMatch(/0\.12 Training data, Sample 1[\s\S]*0\.45 × 26\.67 %/)
    expect(await best.locator('.influences').innerText()).toContain('of version 1')
    const copier = page.locator(`[data-contributor="${account(0x103)}"]`)
    await copier.getByRole('button').click()
    expect(await copier.locator('.verdicts').innerText()).toContain('The same content was committed earlier')

    expect(await page.locator(`[data-validator="${account(0x202)}"]`).innerText()).toMatch(/0\.05[\s\S]*tier 0/)
    expect(await page.locator('#disputes').innerText()).toContain('It earns nothing from the next epoch on')
    expect(await page.locator('#feed').innerText()).toContain('Sample 60 rejected')

    const wide = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
    expect(wide, 'nothing is wider than the screen').toBeLessThanOrEqual(0)
    expect(errors).toEqual([])
  })

browserTest(`400 accounts with a junk sample each push nobody who earned off the page${without}`, async () => {
  const { url, db, artifacts } = await servePage()
  await insertLifecycle(db, artifacts)
  const junk = Array.from({ length: 400 }, (_, n) => ({
    ...{ id: `${10_000 + n}`, contributor: account(0x9000 + n), status: 'Rejected' as const },
    submittedAt: new Date(),
  }))
  await insertAll(db, Contribution, junk)
  await countTotals(db)
  const { page } = await visit(must(browser), url, { size: 'desktop' })
  await page.locator(`[data-contributor="${account(0x101)}"]`).waitFor()
  expect(await page.locator('#contributors').innerText()).toMatch(/The 20 who earned most, of 4\d\d\./)
})

browserTest(
  `GraphiQL at /graphql runs a query and a subscription under a strict policy, from this server alone${without}`,
  async () => {
    const { url, db } = await servePage()
    await insertChain(db, 3)
    const { page, errors } = await visit(must(browser), `${url}/graphql`, { size: 'desktop' })
    await page.locator('.graphiql-query-editor .CodeMirror').waitFor({ timeout: 60_000 })
    await page.locator('.graphiql-execute-button').click()
    const result = page.locator('.result-window')
    await result.getByText('"totalCount"').or(result.getByText('"aggregate"')).first().waitFor()
    expect(await result.innerText()).toMatch(/"block": 3/)
    await page.goto(`${url}/graphql?query=${encodeURIComponent('subscription { jobs { id } }')}`)
    await page.locator('.graphiql-query-editor').getByText('subscription').first().waitFor()
    await page.locator('.graphiql-execute-button').click()
    await page.getByRole('button', { name: /stop/i }).waitFor()
    expect(errors).toEqual([])
    const answer = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })
    const policy = must(answer.headers.get('content-security-policy'))
    expect(policy).toContain("default-src 'none'; script-src 'self'")
    expect(policy).not.toMatch(/unsafe|http|\*/)
    expect((await fetch(`${url}/graphql`)).status, 'a program gets the answer of GraphQL').toBe(400)
  },
)

browserTest(`updates arrive without reloading, and a lost connection is shown and restored${without}`, async () => {
  const { url, db, artifacts, stop, start } = await servePage()
  await insertLifecycle(db, artifacts)
  const { page } = await visit(must(browser), url, { size: 'desktop' })
  await page.locator('.is-live').waitFor()
  await db.query(`update job_run set progress = 0.9, stage = 'storing the adapter' where id = 'rlhf-1'`)
  await notify(db, { type: 'job', id: 'rlhf-1', status: 'Running', progress: 0.9 })
  await page.locator('.now').getByText('storing the adapter, 90 %').waitFor()
  await stop()
  await page.getByRole('alert').getByText('Connection lost.').waitFor({ timeout: 30_000 })
  expect(await page.locator('#versions').innerText(), 'what was received stays').toContain('Version 3')
  await db.query(`update job_run set stage = 'after the break' where id = 'rlhf-1'`)
  await start()
  await page.locator('.is-live').waitFor({ timeout: 60_000 })
  await page.locator('.now').getByText('after the break').waitFor()
  expect(await page.getByRole('alert').count()).toBe(0)
})

browserTest(`a model that is held raises an alarm, and a pause says why${without}`, async () => {
  const { url, db, artifacts } = await servePage()
  await insertLifecycle(db, artifacts)
  const { page } = await visit(must(browser), url, { size: 'phone' })
  const steward = page.locator('[data-steward="1"]')
  await steward.getByText('at work').waitFor()
  const change = async (state: string, why: string) => {
    await db.query('update stewardship set state = $1, explanation = $2, paused = $3', [state, why, state === 'Paused'])
    await notify(db, { type: 'job', id: 'rlhf-1', status: 'Running', progress: 0.7 })
  }
  await change('Held', 'The job evaluate eval-2 failed. Try that job again, or resume the model.')
  await page.getByRole('status').getByText('1 model is held').waitFor()
  expect(await steward.innerText()).toContain('Try that job again, or resume the model.')
  await change('Paused', 'A new rubric is voted on.')
  await steward.getByText('paused', { exact: true }).waitFor()
  expect(await steward.innerText()).toContain('A new rubric is voted on.')
  expect(await page.getByText('1 model is held').count()).toBe(0)
})

browserTest(`all controls can be reached and used by keyboard${without}`, async () => {
  const { url, db, artifacts } = await servePage()
  await insertLifecycle(db, artifacts)
  const { page } = await visit(must(browser), url, { size: 'desktop' })
  const person = page.locator('[data-contributor] button').first()
  await person.waitFor()
  await page.keyboard.press('Tab')
  expect(await page.evaluate<string>('document.activeElement.textContent')).toContain('Skip')
  await person.focus()
  await page.keyboard.press('Enter')
  expect(await person.getAttribute('aria-expanded')).toBe('true')
  const unnamed = await page.evaluate<string[]>(
    `[...document.querySelectorAll('svg:not([aria-hidden]), button, progress, a')]
      .filter((one) => !one.getAttribute('aria-label') && !one.textContent.trim()).map((one) => one.outerHTML.slice(0, 80))`,
  )
  expect(unnamed).toEqual([])
})

test.skipIf(without !== '' || !process.env.SCREENSHOTS)(
  `screenshots of the pages (only with npm run screenshots)${without}`,
  async () => {
    const { url, db, artifacts } = await servePage()
    await insertLifecycle(db, artifacts)
    const files = await capture(must(browser), url, process.env.SCREENSHOTS as string)
    expect(files.length).toBeGreaterThan(60)
  },
)
