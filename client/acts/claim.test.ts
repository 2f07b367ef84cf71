import { parseEther } from 'viem'
import { expect, test } from 'vitest'
import { ALICE, BOB } from '#contracts/test/world.ts'
import { type Client, claim, provenReward } from '../index.ts'
import { clientSystem } from '../test/clientSystem.ts'
import { finalMap } from '../test/finalMap.ts'

const [ALICES, BOBS] = [parseEther('0.3'), parseEther('0.2')]

/** A client of an API that changes what it answers about rewards. */
const ofLyingApi = (client: Client, change: (reward: { cumulative: string; proof: string[] }) => object): Client => ({
  ...client,
  ask: (async (...question: Parameters<Client['ask']>) => {
    const answer = (await client.ask(...question)) as { rewardProof: Parameters<typeof change>[0] }
    return { rewardProof: { ...answer.rewardProof, ...change(answer.rewardProof) } }
  }) as Client['ask'],
})

test('rewards are claimed by anybody for their account, once; a proof that does not lead to the root on the chain is refused', async () => {
  const system = await clientSystem()
  const { as, world } = system
  const epoch = await finalMap(system, [
    [ALICE.address, ALICES],
    [BOB.address, BOBS],
  ])
  const alice = await as(4)
  expect(await provenReward(alice, epoch)).toMatchObject({ cumulative: ALICES, proof: [expect.any(String)] })
  for (const change of [
    () => ({ cumulative: String(ALICES - 1n) }),
    () => ({ cumulative: String(ALICES + 1n) }),
    () => ({ proof: [] }),
    ({ proof: [sibling = ''] }: { proof: string[] }) => ({ proof: [`${sibling.slice(0, -2)}00`] }),
    () => ({ proof: ['0x12'] }),
  ])
    await expect(claim(ofLyingApi(alice, change))).rejects.toThrow(
      /The API says that .* its proof does not lead to the root of the map on the chain/,
    )
  const before = await world.balance(ALICE.address)
  expect(await claim(alice)).toBe(ALICES)
  expect((await world.balance(ALICE.address)) - before).toBe(ALICES)
  expect(await claim(alice)).toBe(0n)
  expect(await claim(alice, BOB.address)).toBe(BOBS)
  expect(await claim(await as(6))).toBe(0n) // the map pays nothing to this account
  expect(await provenReward(alice, epoch, (await as(6)).wallet?.account.address)).toBeUndefined()
})
