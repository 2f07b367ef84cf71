import type { Client } from '../client.ts'
import { pauses } from '../pause.ts'
import { graphql } from './document.ts'

const META = graphql('{ _meta { block finalBlock } }')

/** Waits until the index has a block, or has it as a final one. */
export async function waitForBlock(
  client: Client,
  block: bigint,
  { final = false }: { final?: boolean } = {},
): Promise<void> {
  const pause = pauses(client)
  for (;;) {
    const { _meta } = await client.ask(META)
    const reached = final ? _meta.finalBlock : _meta.block
    if (reached !== null && BigInt(reached) >= block && BigInt(_meta.block ?? -1) >= block) return
    await pause()
  }
}
