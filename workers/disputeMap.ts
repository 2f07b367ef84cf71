import type { MapVerdict } from '#epochs/watchMaps.ts'
import { type ArtifactStore, ArtifactStoreError } from '#schema/artifacts/index.ts'
import { nameOf } from '#schema/artifacts/names.ts'
import { documentBytes } from '#schema/documents.ts'
import { PermanentError } from '#schema/errors.ts'
import type { ChainClient } from './chain.ts'
import { openDispute } from './openDispute.ts'

/** Disputes a wrong map, with the bond that the contract asks for and the first difference as evidence.
 *  @returns the dispute's id, also when somebody else has opened it.
 *  @throws PermanentError when the account cannot pay the bond; ChainUnavailableError */
export async function disputeMap(
  chain: ChainClient,
  artifacts: Pick<ArtifactStore, 'put'>,
  { epoch, root, difference }: Extract<MapVerdict, { verdict: 'wrong' }>,
): Promise<bigint> {
  const { place, published, recomputed } = difference
  const statement = `The map ${root} of epoch ${epoch} differs at ${place}: published ${published}, recomputed ${recomputed}.`
  const { id } = await openDispute(chain, {
    kind: 'RewardMap',
    subjectId: BigInt(epoch),
    key: await publicationKey(chain, epoch, root),
    evidence: async () => (await stored(artifacts, documentBytes({ ground: 'root', statement }))) as `0x${string}`,
    checkBond(bond, balance) {
      if (balance < bond)
        throw new PermanentError(
          `Epoch ${epoch} cannot be disputed: the bond is ${bond} wei of gOPEN, and ${chain.account} has ${balance}. Wrap at least ${bond - balance} wei.`,
        )
    },
  })
  return id
}

/** The name of the evidence. A store that is full or away delays no dispute: every ground is recomputed, whichever the evidence states. */
async function stored(artifacts: Pick<ArtifactStore, 'put'>, evidence: Uint8Array): Promise<string> {
  try {
    return await artifacts.put(evidence)
  } catch (error) {
    if (!(error instanceof ArtifactStoreError)) throw error
    return nameOf(evidence)
  }
}

/** The key of the dispute about a publication. The same map may be published again after it was cancelled, and disputed again after a dispute was rejected:
 *  then another transaction is needed. */
async function publicationKey({ read }: ChainClient, epoch: number, root: string): Promise<string> {
  const [, , publishedAt] = await read('RewardDistributor', 'maps', [BigInt(epoch)])
  const rejected = await read('Disputes', 'rejectedMaps', [BigInt(epoch)])
  return `dispute:${epoch}:${root}:${publishedAt}:${rejected}`
}
