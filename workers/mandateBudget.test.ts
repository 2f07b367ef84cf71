import { afterAll, beforeAll, expect, test } from 'vitest'
import { mandate, TERMS } from '#contracts/test/mandate.ts'
import { OPERATOR, startWorld, type World } from '#contracts/test/world.ts'
import { freshDatabase } from '#test/database.ts'
import { faultOf } from './failures.ts'
import { spendMandate } from './mandateBudget.ts'
import { openWorldClient } from './test/worldClient.ts'

const DAY = 86_400
const CAP = TERMS.budget / 10n

let world: World
let modelId: string
beforeAll(async () => {
  world = await startWorld({ dailySpendPercent: 10 })
  modelId = String(await mandate(world))
})
afterAll(() => world?.anvil.stop())

test('a job that costs more than a day’s cap is refused; one that only today cannot be paid waits for tomorrow', async () => {
  const chain = await openWorldClient(world, OPERATOR, await freshDatabase())
  const spend = (id: string, amount: bigint) => spendMandate({ id, chain }, { modelId, purpose: 'feedback', amount })
  await world.warp(DAY - ((await world.now()) % DAY))
  await expect(spend('a', CAP + 1n)).rejects.toMatchObject({ code: 'EXCEEDS_DAILY_CAP' })
  await spend('b', CAP - 1n)
  const wait = await spend('c', 2n).catch((error) => error)
  expect(faultOf(wait)).toMatchObject({ fault: 'infrastructure', failure: { code: 'PENDING' } })
  await world.warp(DAY)
  await spend('c', 2n)
  await spend('c', 2n) // a second attempt pays nothing more
  expect((await world.read('ModelRegistry', 'getModel', [BigInt(modelId)]))[0].funds).toBe(TERMS.budget - CAP - 1n)
})
