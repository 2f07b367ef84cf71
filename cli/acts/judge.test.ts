import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { graphql } from '#client/index.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { judgeableRound } from '#client/test/judgeableRound.ts'
import { devAccount } from '#contracts/anvil.ts'
import { keyOf, modelcommons } from '../test/program.ts'

const ALICE = 4

const JUDGEMENTS = graphql(`{
  judgements(first: 9, orderBy: [{ field: taskId, direction: asc }]) {
    nodes { validator taskId choice ethics logic functional confidence }
  }
}`)

test('a validator judges at the desk, is killed, goes on, and reveals by the same command', async () => {
  const system = await clientSystem()
  const first = await judgeableRound(system, ALICE)
  const { url, folder, world } = system
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(ALICE) }
  const [one, two, three] = [first, first + 1n, first + 2n].map(String)
  const sent = () => world.client.getTransactionCount({ address: devAccount(ALICE).address })
  const before = await sent()
  const undrawn = await modelcommons(['judge', 'list', '--json'], env)
  expect(JSON.parse(undrawn.stdout)).toEqual([])
  expect(undrawn.stderr).toContain('The seats of round 1 are not drawn: `modelcommons judge draw 1` draws them.')
  expect(await sent(), 'a command that lists sends nothing').toBe(before)
  expect((await modelcommons(['judge', 'draw', '1'], env)).code).toBe(0)
  const listed = JSON.parse((await modelcommons(['judge', 'list', '--json'], env)).stdout)
  expect(listed).toMatchObject([
    { task: one, domain: 'support', prompt: 'Question 1?', answers: ['Yes.', 'No.'] },
    { task: two },
    { task: three },
  ])
  // `judge` takes the option before its `list` does.
  expect(JSON.parse((await modelcommons(['judge', 'list', '--json', '--dry-run'], env)).stdout)).toEqual(listed)
  const killed = await modelcommons(['judge'], env, [`Task ${two} `, 1], '2\n90\n80\n70\n95\n')
  expect(killed.code).toBe(null)
  const desk = await modelcommons(['judge', '--json'], env, undefined, 'maybe\nt\n\n\n\n101\n60\ns\n')
  expect(desk.code, desk.stderr).toBe(0)
  expect(desk.stderr).toContain('Question 2?')
  expect(desk.stderr).not.toContain('Question 1?')
  expect(JSON.parse(desk.stdout)).toMatchObject({ committed: [one, two], revealed: [], revealFrom: expect.any(String) })
  await world.warp(1001)
  expect(JSON.parse((await modelcommons(['judge', '--json'], env)).stdout)).toEqual({
    ...{ committed: [], revealed: [one, two], revealFrom: null, skipped: [] },
  })
  const { judgements } = await (await system.as()).ask(JUDGEMENTS)
  expect(judgements.nodes).toEqual([
    {
      validator: devAccount(ALICE).address.toLowerCase(),
      taskId: one,
      choice: 1,
      ethics: 90,
      logic: 80,
      functional: 70,
      confidence: 95,
    },
    {
      validator: devAccount(ALICE).address.toLowerCase(),
      taskId: two,
      choice: 2,
      ethics: 50,
      logic: 50,
      functional: 50,
      confidence: 60,
    },
  ])
})

test('judgements of a file are committed once, however often it is given, and each wrong line is told', async () => {
  const system = await clientSystem()
  const first = await judgeableRound(system, ALICE)
  const { url, folder, world } = system
  const env = { MODELCOMMONS_API: url, MODELCOMMONS_HOME: folder, MODELCOMMONS_KEY: keyOf(ALICE) }
  const file = join(folder, 'judgements.jsonl')
  const judged = (task: bigint, over: object = {}) =>
    `${JSON.stringify({ task: Number(task), choice: 'second', ethics: 90, logic: 80, functional: 70, confidence: 60, ...over })}\n`
  await writeFile(
    file,
    `${judged(first, { choice: 'both' })}${judged(first, { ethics: 101 })}nothing\n${judged(first)}${judged(first)}`,
  )
  const wrong = await modelcommons(['judge', '--file', file], env)
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toMatch(
    /:1: choice: .*\n.*:2: ethics: .*\n.*:3: Not JSON .*\n.*:5: Task \d+ is judged in line 4 already/,
  )
  await writeFile(file, [0n, 1n, 2n].map((nth) => judged(first + nth)).join(''))
  const give = async () => JSON.parse((await modelcommons(['judge', '--file', file, '--json'], env)).stdout)
  expect((await modelcommons(['judge', '--file', file], env, ['FeedbackPool.commit', 1])).code).toBe(null)
  await give()
  expect(await give()).toMatchObject({ committed: [], revealed: [] })
  await world.warp(1001)
  expect((await give()).revealed).toHaveLength(3)
  expect(await give()).toEqual({ committed: [], revealed: [], revealFrom: null, skipped: [] })
  expect(await world.read('FeedbackPool', 'taskCount', [])).toBe(first + 2n)
})
