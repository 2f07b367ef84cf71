import type { MapVerdict } from '#epochs/watchMaps.ts'
import { type ArtifactStore, ArtifactStoreError } from '#schema/artifacts/index.ts'
import { nameOf } from '#schema/artifacts/names.ts'
import { documentBytes } from '#schema/documents.ts'
import { IndexBehindError, PermanentError } from '#schema/errors.ts'
import type { ChainClient } from './chain.ts'
import { openDispute } from './openDispute.ts'

type WrongMap = Extract<MapVerdict, { verdict: 'wrong' }>

/** Disputes a wrong map, with the bond that the contract asks for and the first difference as evidence.
 *  @returns the dispute's id, also when somebody else has opened it.
 *  @throws IndexBehindError when the epoch has another map by now; PermanentError when the account cannot pay the bond; ChainUnavailableError */
export async function disputeMap(
  chain: ChainClient,
  artifacts: Pick<ArtifactStore, 'put'>,
  wrong: WrongMap,
): Promise<bigint> {
  const { epoch, root, difference } = wrong
  const { place, published, recomputed } = difference
  const statement = `The map ${root} of epoch ${epoch} differs at ${place}: published ${published}, recomputed ${recomputed}.`
  const { key, publishedAt: seconds } = await stillThere(chain, wrong)
  const { id } = await openDispute(chain, {
    kind: 'RewardMap',
    subjectId: BigInt(epoch),
    publication: { root: root as `0x${string}`, publishedAt: seconds },
    key,
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

/** When the publication was made, in seconds since 1970, and the key of the dispute about it. The same map may be published again after it was cancelled, and disputed again after a dispute was rejected:
 *  then another transaction is needed.
 *  @throws IndexBehindError when the chain has another publication: a dispute would be about that one, which may be right */
async function stillThere({ read }: ChainClient, { epoch, root, publishedAt }: WrongMap) {
  const [rootNow, , publishedNow] = await read('RewardDistributor', 'maps', [BigInt(epoch)])
  if (rootNow !== root || Number(publishedNow) * 1000 !== publishedAt?.getTime())
    throw new IndexBehindError(`The map ${root} of epoch ${epoch} was cancelled or replaced since it was checked.`)
  const rejected = await read('Disputes', 'rejectedMaps', [BigInt(epoch)])
  return { publishedAt: publishedNow, key: `dispute:${epoch}:${root}:${publishedNow}:${rejected}` }
}
