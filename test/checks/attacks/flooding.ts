import { contentsOf, submitBatch } from '#contracts/test/batch.ts'
import { propose } from '#contracts/test/mandate.ts'
import { ALICE, ETHER, GENESIS, hashOf, OPERATOR, PROPOSER, startWorld } from '#contracts/test/world.ts'
import type { Attack } from './attack.ts'

const SAMPLES = 20
const FEE = ETHER / 10n
const REJECTED = 2

/** Somebody floods a datanet with samples that are rejected, or asks in this way which items are sealed. On a real chain. */
export const flooding: Attack = {
  name: 'flooding',
  measure: 'share of twenty scoring fees that twenty rejected samples save',
  limit: 0,
  async play(seed) {
    const saved = async (scoringFee: bigint) => {
      const world = await startWorld({ scoringFee })
      try {
        const { modelId } = await propose(world)
        await world.send(PROPOSER, 'DatanetRegistry', 'createDatanet', [modelId, 'CC0-1.0', 0n, 0])
        const before = await world.balance(world.at.Treasury)
        const contents = contentsOf(`flood ${seed}`, SAMPLES)
        const first = await submitBatch(world, {
          datanetId: 1n,
          contributor: ALICE.address,
          contents,
          stakeEach: FEE,
          salt: hashOf(`salt ${seed}`),
          deadline: BigInt(GENESIS + 100_000),
        })
        const ids = contents.map((_, at) => first + BigInt(at))
        const none = ids.map(() => 0)
        await world.send(OPERATOR, 'DatanetRegistry', 'score', [
          ids,
          none,
          none,
          ids.map(() => REJECTED),
          ids.map(() => 'Ineligible.'),
        ])
        const paid = (await world.balance(world.at.Treasury)) - before
        return 1 - Number(paid) / Number(BigInt(SAMPLES) * FEE)
      } finally {
        await world.anvil.stop()
      }
    }
    return { before: await saved(0n), after: await saved(FEE) }
  },
}
