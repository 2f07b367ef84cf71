import { type Address, encodeAbiParameters, type Hex, keccak256, zeroHash } from 'viem'
import type { HDAccount } from 'viem/accounts'
import { hashOf, OPERATOR, type World } from './world.ts'

export type Reveal = {
  taskId: bigint
  choice: number
  ethics: number
  logic: number
  functional: number
  confidence: number
  salt: Hex
}

export const judgement = (taskId: bigint, over: Partial<Reveal> = {}): Reveal => ({
  taskId,
  choice: 1,
  ethics: 90,
  logic: 80,
  functional: 70,
  confidence: 60,
  salt: hashOf('salt'),
  ...over,
})

const WORDS = ['uint256', 'address', 'uint8', 'uint8', 'uint8', 'uint8', 'uint8', 'bytes32'].map((type) => ({ type }))

export function judgementCommitment(validator: Address, r: Reveal): Hex {
  return keccak256(
    encodeAbiParameters(WORDS, [r.taskId, validator, r.choice, r.ethics, r.logic, r.functional, r.confidence, r.salt]),
  )
}

/** Opens a round of `count` tasks with this pot each, at which all who have staked have a seat, and mines the block that draws the seats; commits end
 *  100 s, reveals 200 s from now. @returns the id of the first task */
export async function openRound(
  world: World,
  modelId: bigint,
  versionId: bigint,
  { count = 1, pot = 0n, seats = 60, gold = zeroHash as Hex } = {},
) {
  const now = BigInt(await world.now())
  const inputs = Array.from({ length: count }, (_, i) => ({
    versionId,
    domain: 'support',
    itemHash: hashOf(`item ${i}`),
    pot,
  }))
  await world.send(OPERATOR, 'FeedbackPool', 'openRound', [modelId, inputs, now + 100n, now + 200n, seats, gold])
  await world.mine()
  return (await world.read('FeedbackPool', 'taskCount', [])) - BigInt(count) + 1n
}

/** Lets validators commit to the default judgement of these tasks. */
export async function commitAll(world: World, validators: readonly HDAccount[], taskIds: bigint[]) {
  for (const { address } of validators)
    await world.send(address, 'FeedbackPool', 'commit', [
      taskIds,
      taskIds.map((id) => judgementCommitment(address, judgement(id))),
    ])
}

export async function revealAll(world: World, validators: readonly HDAccount[], taskIds: bigint[]) {
  for (const { address } of validators)
    await world.send(address, 'FeedbackPool', 'reveal', [taskIds.map((id) => judgement(id))])
}
