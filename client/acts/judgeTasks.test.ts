import { expect, test } from 'vitest'
import { judgeTasks, keptTasks, waitForBlock } from '../index.ts'
import { judgeableRound } from '../test/judgeableRound.ts'
import { sharedSystem } from '../test/sharedSystem.ts'

const system = sharedSystem()

test('a validator’s program commits, reveals when it is asked again later, and says what it could not do', async () => {
  const { as, world } = system()
  const first = await judgeableRound(system(), 4)
  const tasks = [first, first + 1n, first + 2n]
  const said = { choice: 1, ethics: 90, logic: 80, functional: 70, confidence: 60 } as const
  const judged = tasks.map((taskId) => ({ taskId, ...said }))
  const [alice, late] = [await as(4), await as(4)] // each with a state of its own
  await waitForBlock(late, await world.client.getBlockNumber({ cacheTime: 0 }))
  await judgeTasks(late, judged.slice(2))
  const mine = judged.slice(0, 2)
  const { revealFrom, ...done } = await judgeTasks(alice, [...mine, { taskId: 999n, ...said }])
  expect(done).toEqual({
    ...{ committed: [first, first + 1n], revealed: [] },
    skipped: [{ task: 999n, why: expect.stringMatching(/There is no such comparison/) }],
  })
  expect(await keptTasks(alice, tasks)).toEqual([first, first + 1n])
  expect(await keptTasks(late, tasks)).toEqual([first + 2n])
  expect(await judgeTasks(alice, mine)).toEqual({ committed: [], revealed: [], revealFrom, skipped: [] })

  const warpTo = async (seconds: number) => world.warp(seconds - (await world.now()))
  const end = Number(revealFrom) / 1000
  await warpTo(end + 1)
  expect(await judgeTasks(alice, [])).toMatchObject({ revealed: [first, first + 1n], revealFrom: null, skipped: [] })
  expect(await keptTasks(alice, tasks)).toEqual([])
  await warpTo(end + 1001)
  expect(await judgeTasks(late, [])).toMatchObject({
    ...{ committed: [], revealed: [] },
    skipped: [{ task: first + 2n, why: expect.stringMatching(/an unrevealed commitment is fined/) }],
  })
})
