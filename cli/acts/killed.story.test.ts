import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  channelWith,
  contribute,
  createDatanet,
  judgingDuties,
  listContributions,
  withdrawStake,
} from '#client/index.ts'
import { onAnsweringApi } from '#client/test/answeringApi.ts'
import { clientSystem } from '#client/test/clientSystem.ts'
import { contents } from '#client/test/contents.ts'
import { judgeableRound } from '#client/test/judgeableRound.ts'
import { devAccount } from '#contracts/anvil.ts'
import { FEE } from '#test/answeringSystem.ts'
import { type SeededRandom, seededRandomAt } from '#test/simulator/random.ts'
import { killingProxy } from '../test/killingProxy.ts'
import { keyOf, modelcommons } from '../test/program.ts'

/** A person's program is killed by SIGKILL at random requests to the API and the node, before they arrive or when they are done and unanswered; then the same
 *  command is run again. Everything is real: the processes, the chain, the API. */

const [SEED, KILLS] = [2, 5]
const ALICE = 4

/** Runs a command through a proxy. */
async function killable(system: { url: string; node: string; home: string }, random: SeededRandom) {
  const proxy = await killingProxy(system.url, system.node)
  const env = { MODELCOMMONS_API: proxy.api, MODELCOMMONS_HOME: system.home, MODELCOMMONS_KEY: keyOf(ALICE) }
  const ended = (args: string[], atRandom = 0) =>
    modelcommons([...args, '--node', proxy.node, '--json'], env, (kill) =>
      proxy.arm(atRandom ? { request: 1 + random(atRandom), answered: random(2) === 1 } : undefined, kill),
    )
  /** Kills the command at random requests of its first `requests`, `KILLS` times or until it ends before that; in the end it is left alone. A command
   *  that has ended is not run again: it would be another act. */
  return async (args: string[], requests: number) => {
    for (let kills = 0; ; kills++) {
      const { code, stdout, stderr } = await ended(args, kills < KILLS ? requests : 0)
      if (code === null) continue
      expect(code, stderr).toBe(0)
      expect(kills).toBeGreaterThan(0)
      return JSON.parse(stdout)
    }
  }
}

test('killed at random while it contributes: every sample is given once and paid once', async () => {
  const { url, world, folder: home, as } = await clientSystem()
  const samples = contents('parcel', 60)
  const file = join(home, 'samples.jsonl')
  await writeFile(file, samples.map((sample) => JSON.stringify(sample)).join('\n'))
  const alice = await as(ALICE)
  const { address } = devAccount(ALICE)
  const datanetId = await createDatanet(alice, { modelId: 1n, licence: 'CC0-1.0', minStake: 7n })
  await world.send(address, 'GOpen', 'approve', [world.at.DatanetRegistry, 0n])
  const before = await world.balance(address)
  const sent = await world.client.getTransactionCount({ address })
  const run = await killable({ url, node: world.anvil.url, home }, seededRandomAt(SEED, 1))
  await run(['contribute', file, '--datanet', datanetId.toString()], 100)
  const rows = await listContributions(alice, { datanetId })
  expect(new Set(rows.map(({ contentHash }) => contentHash)).size).toBe(samples.length)
  expect(rows).toHaveLength(samples.length)
  expect(before - (await world.balance(address))).toBe(10n ** 15n * BigInt(samples.length))
  // One approval, two commitments, two submissions.
  expect((await world.client.getTransactionCount({ address })) - sent).toBe(5)
})

test('killed at random while it takes stakes back: each comes back once, and the same command tells of them all', async () => {
  const { url, world, folder: home, as } = await clientSystem()
  const alice = await as(ALICE)
  const { address } = devAccount(ALICE)
  const datanetId = await createDatanet(alice, { modelId: 1n, licence: 'CC0-1.0', minStake: 10n ** 16n })
  const { ids } = await contribute(alice, { datanetId, samples: contents('parcel', 3) })
  await world.warp(30 * 86_400 + 1)
  const before = await world.balance(address)
  const sent = await world.client.getTransactionCount({ address })
  const run = await killable({ url, node: world.anvil.url, home }, seededRandomAt(SEED, 4))
  const wei = String(ids.size * 10 ** 16)
  expect(await run(['withdraw-stake'], 20)).toEqual({ contributions: 3, wei, held: 0, disputed: 0 })
  expect((await world.balance(address)) - before).toBe(BigInt(wei))
  expect((await world.client.getTransactionCount({ address })) - sent).toBe(1)
  expect(await withdrawStake(alice)).toEqual({ contributions: 0, wei: 0n, held: 0, disputed: 0 })
})

test('killed at random while it commits to judgements and while it reveals them: each is committed once and revealed', async () => {
  const system = await clientSystem()
  const { url, world, folder: home } = system
  const first = await judgeableRound(system, ALICE)
  const { address } = devAccount(ALICE)
  const file = join(home, 'judgements.jsonl')
  const said = { choice: 'second', ethics: 90, logic: 80, functional: 70, confidence: 60 }
  const tasks = [first, first + 1n, first + 2n].map(String)
  await writeFile(file, tasks.map((task) => `${JSON.stringify({ task, ...said })}\n`).join(''))
  const sent = await world.client.getTransactionCount({ address })
  const run = await killable({ url, node: world.anvil.url, home }, seededRandomAt(SEED, 2))
  await run(['judge', '--file', file], 22)
  const committed = (await judgingDuties(await system.as(ALICE))).waiting
  expect(committed.map(({ taskId }) => String(taskId))).toEqual(tasks)
  await world.warp(1001)
  await run(['judge', '--file', file], 14)
  // The draw of the seats, one commitment, one reveal.
  expect((await world.client.getTransactionCount({ address })) - sent).toBe(3)
})

test('killed at random while it deposits and while it asks: the credit is there once, and the answer is given and paid once', async () => {
  await onAnsweringApi(async ({ world, answered, url, folder: home, as }) => {
    const run = await killable({ url, node: world.anvil.url, home }, seededRandomAt(SEED, 3))
    const alice = await as({ account: devAccount(ALICE) })
    await run(['credit', 'deposit', '1', '0.5'], 13)
    expect((await channelWith(alice, 1n)).balance).toBe(5n * 10n ** 17n)
    const { answer, receipt } = await run(['call', '1', 'Where is it?', '--max-tokens', '4'], 9)
    expect(new Set(answered)).toEqual(new Set(['Where is it?']))
    expect(answer).toBe(`Where is it? ${answered.length}`)
    expect([receipt.fee, receipt.cumulative]).toEqual([String(FEE), String(FEE)])
  })
})
