import type { Client } from '../client.ts'
import { ClientError } from '../errors.ts'
import { pauses } from '../pause.ts'
import { graphql } from './document.ts'

const STEWARDSHIP = graphql('query ($id: ID!) { stewardship(id: $id) { state explanation block } }')

/** Waits until the steward has seen the newest block and has done what it makes due for a model: what comes next waits for people or for time.
 *  @throws ClientError when it does nothing for this model: a job has failed for good, it is paused, or there is no policy. */
export async function waitForSteward(client: Client, modelId: bigint | string): Promise<void> {
  const { ask, node } = client
  const pause = pauses(client)
  for (;;) {
    const { stewardship } = await ask(STEWARDSHIP, { id: String(modelId) })
    // Read afterwards: a job may have ended with blocks that the decision does not know yet.
    const head = await node.getBlockNumber({ cacheTime: 0 })
    if (stewardship && BigInt(stewardship.block ?? -1) >= head) {
      if (stewardship.state === 'Waiting') return
      if (stewardship.state !== 'Working')
        throw new ClientError(
          `The steward does nothing for model ${modelId}, which is ${stewardship.state}: ${stewardship.explanation}`,
        )
    }
    await pause()
  }
}
