import { keccak256, parseEther, zeroHash } from 'viem'
import { version } from '#contracts/test/mandate.ts'
import { OPERATOR } from '#contracts/test/world.ts'
import { stakeAsValidator, uploadBytes } from '../index.ts'
import type { ClientSystem } from './clientSystem.ts'

/** Opens a round of three comparisons at which an account of the mnemonic has a seat. The commit phase lasts 1,000 seconds, and the reveal phase as long.
 *  @returns the first task */
export async function judgeableRound(
  { world, modelId, as }: Pick<ClientSystem, 'world' | 'modelId' | 'as'>,
  validator: number,
): Promise<bigint> {
  const versionId = await version(world, modelId, OPERATOR.address)
  const client = await as(validator)
  await stakeAsValidator(client, parseEther('10'))
  const now = BigInt(await world.now())
  const inputs = []
  for (const nth of [1, 2, 3]) {
    const bytes = new TextEncoder().encode(JSON.stringify({ prompt: `Question ${nth}?`, answers: ['Yes.', 'No.'] }))
    await uploadBytes(client, keccak256(bytes), bytes)
    inputs.push({ versionId, domain: 'support', itemHash: keccak256(bytes), pot: 0n })
  }
  await world.send(OPERATOR, 'FeedbackPool', 'openRound', [modelId, inputs, now + 1000n, now + 2000n, 60, zeroHash])
  await world.mine(2)
  return (await world.read('FeedbackPool', 'taskCount', [])) - 2n
}
