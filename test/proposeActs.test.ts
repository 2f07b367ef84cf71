// biome-ignore-all lint/performance/useDomNodeTextContent: the test is about the visible text

import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { parseEther } from 'viem'
import { expect } from 'vitest'
import { delegate, wrap } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { checkFolder } from '#model/checkFolder.ts'
import { problemText } from '#model/problems.ts'
import { proposeFolder } from '#model/proposeFolder.ts'
import { EXAMPLE_BASE, newFolder } from '#model/test/newFolder.ts'
import {
  actingPage,
  browserTest,
  connectAndClose,
  dialog,
  noBrowser,
  picture,
  type Visit,
  violations,
} from './actingPage.ts'

/** A model is proposed from the page: its folder is checked in the browser, and what it has goes to the API and to the chain. */

const acting = actingPage(clientSystem)

const asOwner = ({ wallet }: Visit) => acting.system.as(undefined, { account: wallet.account })

/** The page of proposals, with the form open, of an account with these gOPEN and votes. */
async function atForm({ gOpen = 40n, votes = 5n, size }: { gOpen?: bigint; votes?: bigint; size?: 'phone' } = {}) {
  const visited = await acting.visit({ path: '/proposals', size })
  const client = await asOwner(visited)
  await wrap(client, parseEther(String(gOpen + votes)))
  if (votes) await delegate(client, { to: visited.wallet.account.address, lock: parseEther(String(votes)) })
  await connectAndClose(visited.page)
  await visited.page.locator('main [data-act=propose]').click()
  return { ...visited, client }
}

const choose = (page: Page, label: string, folder: string) =>
  dialog(page).getByLabel(label, { exact: true }).setInputFiles(folder)
const chooseBoth = async (page: Page, folder: string) => {
  await choose(page, 'The folder of the model', folder)
  await choose(page, 'The folder of the base model', EXAMPLE_BASE)
}
const button = (page: Page, name: string) => dialog(page).getByRole('button', { name, exact: true })

browserTest(
  `a model folder is checked by file and line, and proposed as the command would; a reload loses nothing${noBrowser}`,
  async () => {
    const made = await newFolder()
    await made.edit('model.yaml', ['owner: 1500', 'owner: 1501'], ['budget: 0', 'budget: 3\n  bond: 12.5'])
    const { page, wallet, errors, client } = await atForm()
    await choose(page, 'The folder of the model', made.path)
    await dialog(page)
      .getByRole('alert')
      .getByText(
        /^model\.yaml:\d+:\d+: mandate\.split: owner, stakers, data, validators and host sum to 10001, not 10000/,
      )
      .waitFor()
    expect(await violations(page)).toEqual([])
    await picture(page, 'propose-mistake')
    expect(await button(page, 'Check what it costs').isDisabled()).toBe(true)

    await made.edit('model.yaml', ['owner: 1501', 'owner: 1500'])
    await chooseBoth(page, made.path)
    await dialog(page).getByText('12.5 gOPEN; you have 40 free').waitFor()
    const summary = await dialog(page).innerText()
    expect(summary).toMatch(/3 gOPEN; the treasury has[\s\S]*Least accuracy[\s\S]*50\.0\s%/)
    expect(summary).toMatch(
      /documents are published: sealed items, sealed validation items, rubric, card, specification/,
    )
    expect(await violations(page)).toEqual([])
    await picture(page, 'propose')
    await button(page, 'Check what it costs').click()
    await button(page, 'Sign and send').waitFor()
    expect(await dialog(page).innerText()).toMatch(
      /Allow the contract[\s\S]*12\.5 gOPEN[\s\S]*Lock a bond of 12\.5 gOPEN[\s\S]*What comes next depends on this/,
    )
    await button(page, 'Sign and send').click()
    await dialog(page).getByText('One more thing is to be signed').waitFor()

    await page.reload()
    await page.locator('[data-wallet=ready]').click()
    await button(page, 'Continue').click()
    await dialog(page).getByText('Open the vote').waitFor()
    await button(page, 'Sign').click()
    await dialog(page).locator('.act-done').waitFor()
    const said = await dialog(page).locator('.act-done').innerText()
    const [, modelId = '0'] = /“model” is model (\d+), and its vote is proposal/.exec(said) ?? []
    expect(wallet.asked.filter((method) => method === 'eth_sendTransaction')).toHaveLength(3)

    const { folder } = await checkFolder(made.path)
    if (!folder) throw new Error('The folder has no mistake.')
    const proposed = await proposeFolder(client, folder)
    expect(proposed).toMatchObject({ modelId: BigInt(modelId), before: true })
    const [model] = await acting.system.world.read('ModelRegistry', 'getModel', [proposed.modelId])
    expect(model).toMatchObject({ proposer: wallet.account.address, bond: parseEther('12.5') })
    expect((await fetch(`${acting.system.url}/artifacts/${proposed.base}`)).status).toBe(200)
    await dialog(page).locator('.act-button.is-main').click()
    await page.getByRole('main').getByText('model').first().waitFor()
    // The clock of this chain is weeks ahead of the machine's.
    expect(await page.locator('main time small').first().innerText()).toMatch(/^(just now|\d+ (s|min) ago)$/)
    expect(errors.filter((error) => !/40[34]/.test(error))).toEqual([])
  },
)

browserTest(`the browser finds in a folder what the command finds${noBrowser}`, async () => {
  const made = await newFolder('extract')
  await made.edit('model.yaml', ['name:', 'names:'], ['completionPattern: ', 'completionPattern: "(" # '])
  await made.edit('rubric/scorers.yaml', ['maxTokens:', 'maxTokens: many #'])
  await made.write('rubric/salt', 'short')
  await made.write('validation/items.jsonl', Buffer.from([0xff, 0x0a]))
  await made.write('seed-data/more.csv', 'prompt,completion\nWhere?,"Here\n')
  await made.write('seed-data/rows.parquet', await readFile('model/test/samples.parquet'))
  const key = ['AKIA', 'Z7QD3XKP5RWM2VTB'].join('')
  await made.write('seed-data/secret.jsonl', `{"prompt":"My key is ${key}, is it?","completion":"No."}\n{"prompt":1}\n`)
  const { problems } = await checkFolder(made.path)
  expect(problems.length).toBeGreaterThan(6)
  const { page } = await atForm()
  await choose(page, 'The folder of the model', made.path)
  await dialog(page).getByText('mistakes. Correct the files').waitFor()
  expect(await dialog(page).getByRole('alert').getByRole('listitem').allInnerTexts()).toEqual(problems.map(problemText))
})

browserTest(`a pattern that backtracks without end holds neither the page nor the check${noBrowser}`, async () => {
  const made = await newFolder()
  const hostile = (prompt: string) => `${JSON.stringify({ prompt, completion: `${'a'.repeat(40)}!` })}\n`
  await made.write('rubric/items.jsonl', hostile('An item that is hostile?') + hostile('Another one, just as bad?'))
  await made.write(
    'rubric/scorers.yaml',
    'maxTokens: 8\nmetrics:\n  - name: accuracy\n    kind: regex\n    pattern: ^(a+)+$\n',
  )
  const { page } = await atForm()
  await choose(page, 'The folder of the model', made.path)
  const problem = 'The pattern takes too long on the completion of rubric/items.jsonl:1.'
  await dialog(page).getByRole('alert').getByText(problem).waitFor({ timeout: 60_000 })
  expect(await dialog(page).getByRole('alert').getByText('takes too long').count()).toBe(1)
})

/** As a file manager drops a folder: its entries are read by `webkitGetAsEntry`. */
async function drop(page: Page, label: string, folder: string): Promise<void> {
  const field = dialog(page).locator('.drop-field', { has: page.getByText(label, { exact: true }) })
  let box = await field.boundingBox()
  while (!box) box = await field.boundingBox() // it is shown anew after a check
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: [folder], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, ...at, data })
}

browserTest(
  `a folder that is dropped is checked as one that is chosen, with all of its files${noBrowser}`,
  async () => {
    const made = await newFolder()
    for (let nth = 0; nth < 130; nth++) await made.write(`seed-data/more-${nth}.jsonl`, '{"prompt":1}\n')
    const { problems } = await checkFolder(made.path)
    expect(problems).toHaveLength(130)
    const { page } = await atForm()
    await drop(page, 'The folder of the model', made.path)
    await dialog(page).getByText('130 mistakes. Correct the files').waitFor()

    for (let nth = 0; nth < 130; nth++) await rm(join(made.path, `seed-data/more-${nth}.jsonl`))
    await drop(page, 'The folder of the model', made.path)
    await dialog(page).getByText('130 mistakes').waitFor({ state: 'hidden' })
    await dialog(page).getByText('The folder of the base model', { exact: true }).waitFor()
    await drop(page, 'The folder of the base model', EXAMPLE_BASE)
    await dialog(page).getByText('Bond that you lock').waitFor()
    expect(await button(page, 'Check what it costs').isEnabled()).toBe(true)
  },
)

browserTest(
  `documents that an API which is away did not get are asked for again after a reload${noBrowser}`,
  async () => {
    const { system } = acting
    const made = await newFolder('chat')
    const { page, wallet } = await atForm()
    await chooseBoth(page, made.path)
    await button(page, 'Check what it costs').click()
    await button(page, 'Sign and send').waitFor()
    await system.stopApi()
    await button(page, 'Sign and send').click()
    await dialog(page).getByRole('alert').getByText('does not answer').waitFor()
    await system.startApi()
    await page.reload()
    await page.locator('[data-wallet=ready]').click()
    await button(page, 'Continue').click()
    await dialog(page)
      .getByRole('alert')
      .getByText(/does not have the (base model|sealed items) .* Choose the folder again/)
      .waitFor()
    expect(wallet.asked).not.toContain('eth_sendTransaction')
  },
)

browserTest(`what the contracts would refuse of a folder is told before anything is signed${noBrowser}`, async () => {
  const { world } = acting.system
  const made = await newFolder()
  const { page, wallet, errors } = await atForm({ votes: 0n, size: 'phone' })
  const { timestamp } = await world.client.getBlock()
  const today = new Date(Number(timestamp) * 1000).toISOString().slice(0, 10)
  await made.edit('model.yaml', ['budget: 0', 'budget: 0\n  bond: 0.001'])
  const deadline = /deadline: (\S+)/.exec(await readFile(join(made.path, 'model.yaml'), 'utf8'))
  await made.edit('model.yaml', [`deadline: ${deadline?.[1]}`, `deadline: ${today}`])
  await choose(page, 'The folder of the model', made.path)
  const alert = dialog(page).getByRole('alert')
  await alert
    .getByText(/^model\.yaml:\d+:\d+: mandate\.bond is 0\.001 gOPEN, and the contract takes no less than/)
    .waitFor()
  await alert.getByText(`mandate.deadline ${today} is over.`).waitFor()
  expect(await violations(page)).toEqual([])
  await picture(page, 'propose-mistake-phone')

  await made.edit('model.yaml', ['\n  bond: 0.001', ''], [`deadline: ${today}`, `deadline: ${deadline?.[1]}`])
  await choose(page, 'The folder of the model', made.path)
  await alert.waitFor({ state: 'detached' }) // the browser lists a folder before it tells that one was chosen; a new model takes back its base
  await choose(page, 'The folder of the base model', made.path)
  await alert.getByText('base.folder: the chosen folder has no config.json').waitFor()
  await choose(page, 'The folder of the base model', EXAMPLE_BASE)
  await dialog(page).getByText('Bond that you lock').waitFor()
  await button(page, 'Check what it costs').click()
  await alert.getByText(/Opening a vote takes 1 votes, and 0x.* has 0\. Lock gOPEN/).waitFor()
  expect(wallet.asked).toEqual(['eth_requestAccounts'])
  expect(errors).toEqual([])
})
