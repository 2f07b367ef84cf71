import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { ALICE, PROPOSER } from '#contracts/test/world.ts'
import { actLines } from '#test/actLines.ts'
import * as acts from '../node.ts'
import { onAnsweringApi } from '../test/answeringApi.ts'
import { judgeableRound } from '../test/judgeableRound.ts'

const { connecting, acts: lines } = await actLines()

/** Runs one line of JavaScript that may wait. */
const AsyncFunction = (async () => {}).constructor as FunctionConstructor

test('an act takes a program of at most five lines', () => {
  expect(lines.length).toBeGreaterThanOrEqual(15)
  expect(connecting.length + 1).toBeLessThanOrEqual(5)
  for (const { act, line } of lines) expect(Object.keys(acts), line).toContain(act)
})

test('every line of docs/client.md does its act', async () => {
  await onAnsweringApi(async ({ world, as, ask }) => {
    const client = await as({ account: ALICE })
    await acts.wrap(client, parseEther('50'))
    const taskId = await judgeableRound({ world, modelId: 1n, as: () => Promise.resolve(client) }, 4)
    const { address: account } = ALICE
    const given: Record<string, unknown> = { acts, client, account, modelId: 1n, versionId: 1n, taskId }
    const openVote = async () => {
      const nothing = { targets: [account], values: [0n], calldatas: ['0x' as const], description: 'Nothing.' }
      const proposalId = await acts.openProposal(await as({ account: PROPOSER }), nothing)
      await world.warp(Number(world.deployment.settings.votingDelay) + 1)
      return proposalId
    }
    const run = async (line: string) => {
      const [, names = '', body = line] = /^const (\{.*?\}|\w+) = (.*)$/.exec(line) ?? []
      const result = await AsyncFunction(...Object.keys(given), `return ${body}`)(...Object.values(given))
      if (names.startsWith('{')) Object.assign(given, result)
      else if (names) given[names] = result
    }
    for (const { act, line } of lines) {
      if (act === 'castVote') given.proposalId = await openVote()
      if (act === 'claim') {
        await ask.redeem('all')
        await ask.settle(1)
        await world.warp(2)
      }
      await run(line)
    }
    expect(given).toMatchObject({ valid: true, answer: expect.stringMatching(/^Where is it\? /), wei: 0n })
    expect(await client.read('ModelGovernor', 'hasVoted', [given.proposalId as bigint, account])).toBe(true)
    expect((await acts.listContributions(client, { datanetId: given.datanetId as bigint })).length).toBe(1)
    expect((await acts.judgingDuties(client)).waiting.map((task) => task.taskId)).toEqual([taskId])
    expect((await acts.listEndpoints(client)).at(-1)).toMatchObject({ id: String(given.endpointId), priceOut: '30' })
  })
})
