// biome-ignore-all lint/performance/useDomNodeTextContent: the test is about the visible text

import { randomBytes } from 'node:crypto'
import { parseEther, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { expect } from 'vitest'
import {
  type Client,
  contribute,
  createDatanet,
  graphql,
  listContributions,
  listJudgingTasks,
  waitForBlock,
  wrap,
} from '#client/index.ts'
import { onAnsweringApi } from '#client/test/answeringApi.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { finalMap } from '#client/test/finalMap.ts'
import { judgeableRound } from '#client/test/judgeableRound.ts'
import { devAccount } from '#contracts/anvil.ts'
import { openVote, propose } from '#contracts/test/mandate.ts'
import { HOLDER, OPERATOR } from '#contracts/test/world.ts'
import {
  act,
  actingPage,
  browserTest,
  connectAndClose,
  connectKeeper,
  dialog,
  noBrowser,
  picture,
  type Visit,
  violations,
} from './actingPage.ts'

/** What people do from the page: in a real browser, with a wallet, on a real chain with its index and API. */

const acting = actingPage(clientSystem)
const { visit } = acting

/** As the account of the wallet, without the page. */
const asOwner = ({ wallet }: Visit): Promise<Client> => acting.system.as(undefined, { account: wallet.account })

browserTest(
  `a governor wraps, locks and delegates, votes with a reason, and carries out what passed${noBrowser}`,
  async () => {
    const { world } = acting.system
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

    const { proposalId, actions } = await propose(world, { budget: parseEther('1') })
    await openVote(world, actions)
    const open = async (name: string) => {
      await waitForBlock(await acting.system.as(), await world.client.getBlockNumber({ cacheTime: 0 }))
      await page.goto(`${acting.system.url}/proposals/${proposalId}`)
      await page.locator('[data-wallet=ready]').waitFor()
      await page.locator(`main [data-act=${name}]`).first().click()
    }
    await open('vote')
    await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
    await dialog(page).getByText('Choose one.').waitFor()
    expect(await violations(page)).toEqual([])
    await picture(page, 'vote')
    const vote = await act(page, async () => {
      await dialog(page).getByRole('radio', { name: 'For' }).check()
      await label('Your reason').fill('It answers where others only sort.')
    })
    expect(vote.plan).toMatch(/Vote for on proposal .*: “It answers where others only sort\.”/)
    expect(vote.end).toMatch(/You have voted for\.[\s\S]*For 30, against 0, abstain 0/)
    expect(await world.read('ModelGovernor', 'proposalVotes', [proposalId])).toEqual([0n, parseEther('30'), 0n])

    await world.send(HOLDER, 'ModelGovernor', 'castVote', [proposalId, 1])
    await world.send(OPERATOR, 'GOpen', 'transfer', [world.at.Treasury, parseEther('1')])
    await world.warp(1_001)
    await open('queue')
    await act(page)
    await world.warp(101)
    await open('execute')
    expect((await act(page)).end).toContain('the proposal is executed')
    expect(await world.read('ModelGovernor', 'state', [proposalId])).toBe(7)
    expect(errors).toEqual([])
  },
)

browserTest(
  `a contributor’s samples are checked, and then committed, published and submitted${noBrowser}`,
  async () => {
    const owner = await acting.system.as(2)
    const datanetId = await createDatanet(owner, { modelId: acting.system.modelId, licence: 'CC0-1.0', minStake: 0n })
    const visited = await visit({ path: `/datanets/${datanetId}`, size: 'phone' })
    const { page, wallet, errors } = visited
    await wrap(await asOwner(visited), parseEther('1'))
    await connectAndClose(page)
    await page.locator('main [data-act=contribute]').click()
    const file = (name: string, lines: string) =>
      dialog(page)
        .locator('input[type=file]')
        .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(lines) })
    await file(
      'samples.jsonl',
      '{"prompt":"Where is it?","completion":"Ask jane.doe@acme-tools.io."}\n{"prompt":"","completion":"x"}\n',
    )
    await dialog(page)
      .getByText('samples.jsonl:1: Holds personal data (e-mail address) in the completion, line 1.')
      .waitFor()
    await dialog(page).getByText('samples.jsonl:2: "prompt" is empty.').waitFor()
    expect(wallet.asked).toEqual(['eth_requestAccounts'])
    expect(await violations(page)).toEqual([])
    await picture(page, 'contribute-phone')
    expect(
      await page.evaluate<number>(
        '(() => { const d = document.querySelector("dialog[open]"); return d.scrollWidth - d.clientWidth })()',
      ),
    ).toBe(0)
    await file('samples.csv', 'prompt,completion\nWhere is it?,On its way.\n"Is it lost?","No, it is late."\n')
    await dialog(page).getByText('2 samples to give').waitFor()
    const { plan, end } = await act(page)
    expect(plan).toMatch(
      /Allow the contract[\s\S]*0\.002 gOPEN[\s\S]*Commit to a batch[\s\S]*Submit 2 samples to datanet/,
    )
    expect(end).toMatch(/2 samples are submitted\.[\s\S]*The index has 2 of yours/)
    expect(await listContributions(owner, { datanetId, contributor: wallet.account.address })).toHaveLength(2)
    expect(wallet.asked.filter((method) => method === 'eth_sendTransaction')).toHaveLength(3)
    expect(errors).toEqual([])
  },
)

browserTest(`a validator judges by keyboard, commits, and reveals after a reload${noBrowser}`, async () => {
  const nth = 5
  const client = await acting.system.as(nth)
  await judgeableRound(acting.system, nth)
  await waitForBlock(client, await acting.system.world.client.getBlockNumber({ cacheTime: 0 }))
  const account = devAccount(nth)
  const { page, errors } = await visit({ account, path: `/accounts/${account.address.toLowerCase()}` })
  await connectAndClose(page)
  await page.locator('main [data-act=judge]').click()
  const draw = dialog(page).getByRole('button', { name: 'Draw them' })
  const first = dialog(page).getByRole('radio', { name: /The first/ })
  await draw.or(first).first().waitFor()
  if (await draw.count()) {
    await draw.click()
    await act(page)
    await page.locator('main [data-act=judge]').click()
  }
  await first.waitFor()
  await dialog(page).getByText('Yes.').waitFor()
  await first.focus()
  await page.keyboard.press('2')
  expect(await violations(page)).toEqual([])
  await picture(page, 'judge')
  await dialog(page)
    .getByRole('button', { name: /^Commit 1 of/ })
    .click()
  await dialog(page).getByRole('button', { name: 'Sign and send' }).click()
  await dialog(page).locator('.act-done').waitFor()
  await page.reload()
  await acting.system.world.warp(1_001)
  await page.locator('[data-wallet=ready]').waitFor()
  await page.locator('main [data-act=judge]').click()
  await dialog(page).getByRole('button', { name: 'Reveal' }).click()
  expect((await act(page)).plan).toContain('Reveal 1 judgement')
  const tasks = await listJudgingTasks(client)
  expect(tasks.map(({ state }) => state)).toContain('revealed')
  expect(errors).toEqual([])
})

browserTest(
  `rewards are claimed after their proof was verified here; an API that states another amount gets no signature${noBrowser}`,
  async () => {
    const account = privateKeyToAccount(toHex(randomBytes(32)))
    await finalMap(acting.system, [
      [account.address, 7n],
      [HOLDER.address, 5n],
    ])
    const { page, wallet, errors } = await visit({ account, path: `/accounts/${account.address.toLowerCase()}` })
    await connectAndClose(page)
    await page.route('**/graphql', async (route) => {
      const answer = await route.fetch()
      await route.fulfill({
        response: answer,
        body: (await answer.text()).replace('"cumulative":"7"', '"cumulative":"8"'),
      })
    })
    await page.locator('main [data-act=claim]').click()
    await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
    await dialog(page).getByRole('alert').getByText('its proof does not lead to the root').waitFor()
    expect(wallet.asked).toEqual(['eth_requestAccounts'])
    await page.unroute('**/graphql')
    expect((await act(page)).plan).toContain('Claim for')
    expect(await acting.system.world.balance(account.address)).toBe(7n)
    expect(errors).toEqual([])
  },
)

browserTest(
  `a challenger disputes a sample, a job is cancelled, and the steward is paused and resumed${noBrowser}`,
  async () => {
    const contributor = await acting.system.as(4)
    const datanetId = await createDatanet(contributor, {
      modelId: acting.system.modelId,
      licence: 'CC0-1.0',
      minStake: 0n,
    })
    const { ids } = await contribute(contributor, { datanetId, samples: [{ prompt: 'Any?', completion: 'None.' }] })
    const visited = await visit({ path: `/contributions/${[...ids.values()][0]}` })
    const { page, errors } = visited
    await wrap(await asOwner(visited), parseEther('20'))
    await connectAndClose(page)
    await page.locator('main [data-act=dispute]').click()
    const { plan } = await act(page, async () => {
      await dialog(page).getByLabel('What is wrong').selectOption('duplicate')
      await dialog(page).getByLabel('In words').fill('It was given before.')
    })
    expect(plan).toMatch(/Allow the contract[\s\S]*Open a dispute about/)
    expect(await acting.system.world.read('Disputes', 'disputeCount', [])).toBe(1n)

    const job = await (await acting.system.as()).ask(
      graphql('mutation { redeem(idempotencyKey: "to be cancelled") { id } }'),
    )
    await page.goto(acting.system.url)
    await page.locator(`[data-act=cancelJob][data-id="${job.redeem.id}"]`).click()
    await dialog(page).getByRole('button', { name: 'Cancel the job' }).click()
    await dialog(page).locator('.act-done').getByText('It is cancelled.').waitFor()

    const operator = await acting.system.as()
    const modelId = String(acting.system.modelId)
    const PAUSE = graphql(
      'mutation ($id: ID!) { pauseSteward(modelId: $id, reason: "Before.", idempotencyKey: "p") { id } }',
    )
    await operator.ask(PAUSE, { id: modelId })
    const found = async () =>
      (await operator.ask(graphql('{ stewardships(first: 1) { nodes { state explanation } } }'))).stewardships.nodes[0]
    await page.goto(acting.system.url)
    await page.locator('[data-act=resumeSteward]').click()
    await dialog(page).getByRole('button', { name: 'Resume the steward' }).click()
    await dialog(page).locator('.act-done').getByText(`The steward of model ${modelId} goes on.`).waitFor()
    expect(await found()).toMatchObject({ state: 'Waiting' })
    await page.goto(acting.system.url)
    await page.locator('[data-act=pauseSteward]').click()
    await dialog(page).getByLabel('Why').fill('The data is looked at first.')
    await dialog(page).getByRole('button', { name: 'Pause the steward' }).click()
    await dialog(page).locator('.act-done').getByText(`The steward of model ${modelId} is paused.`).waitFor()
    expect(await found()).toEqual({ state: 'Paused', explanation: 'The data is looked at first.' })
    expect(errors).toEqual([])
  },
)

browserTest(`the test wallet of the embedded chain is made and funded by the page${noBrowser}`, async () => {
  const { page, errors } = await visit()
  await page.getByRole('button', { name: 'Connect a wallet' }).click()
  await dialog(page)
    .getByRole('button', { name: /Test wallet/ })
    .waitFor()
  await picture(page, 'connect')
  expect(await violations(page)).toEqual([])
  await dialog(page)
    .getByRole('button', { name: /Test wallet/ })
    .click()
  await dialog(page).locator('.balances').waitFor()
  await picture(page, 'account')
  await dialog(page).getByRole('button', { name: 'Wrap tokens' }).click()
  await act(page, () => dialog(page).getByLabel('Native tokens to wrap').fill('5'))
  await page.locator('[data-wallet=ready]').click()
  const address = await dialog(page).locator('.full-address code').innerText()
  expect(await acting.system.world.balance(address as `0x${string}`)).toBe(parseEther('5'))
  expect(errors).toEqual([])
})

browserTest(`a consumer deposits, asks a served model, and sees the receipt checked${noBrowser}`, () =>
  onAnsweringApi(
    async (on) => {
      const account = privateKeyToAccount(toHex(randomBytes(32)))
      await on.world.rpc('anvil_setBalance', [account.address, toHex(parseEther('100'))])
      await wrap(await on.as({ account }), parseEther('1'))
      const { page, errors } = await visit({ account, on, path: '/versions/1' })
      await connectAndClose(page)
      await page.locator('main [data-act=deposit]').click()
      await act(page, () => dialog(page).getByLabel('gOPEN to deposit').fill('0.5'))
      await page.locator('main [data-act=call]').click()
      await dialog(page).getByLabel('Prompt').fill('Where is it?')
      await dialog(page).getByLabel('Tokens of the answer').fill('4')
      await dialog(page).getByRole('button', { name: 'Check what it costs' }).click()
      await dialog(page).getByText('This call costs at most').waitFor()
      await dialog(page).getByRole('button', { name: 'Agree and ask' }).click()
      await dialog(page).locator('.act-done').getByText('Answered for').waitFor()
      expect(await dialog(page).locator('.answer').innerText()).toMatch(/Where is it\? \d+[\s\S]*The receipt is right/)
      expect(await violations(page)).toEqual([])
      await picture(page, 'call')
      expect(errors.filter((error) => !/404/.test(error))).toEqual([])
    },
    { web: acting.web },
  ),
)
