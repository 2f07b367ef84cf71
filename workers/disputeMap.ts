import type { MapVerdict } from '#epochs/watchMaps.ts'
import type { ArtifactStore } from '#schema/artifacts/index.ts'
import { documentBytes } from '#schema/documents.ts'
import { PermanentError } from '#schema/errors.ts'
import { DISPUTE_SUBJECTS } from '#schema/onchain/disputes.ts'
import type { ChainClient } from './chain.ts'
import { RevertError } from './chainErrors.ts'

const REWARD_MAP = DISPUTE_SUBJECTS.indexOf('RewardMap')

/** Disputes a wrong map, with the bond that the contract asks for and the first difference as evidence.
 *  @returns the dispute's id, also when somebody else has opened it.
 *  @throws PermanentError when the account cannot pay the bond; ChainUnavailableError */
export async function disputeMap(
  chain: ChainClient,
  artifacts: Pick<ArtifactStore, 'put'>,
  { epoch, root, difference }: Extract<MapVerdict, { verdict: 'wrong' }>,
): Promise<bigint> {
  const subject = [REWARD_MAP, BigInt(epoch)] as const
  const openId = () => chain.read('Disputes', 'openDispute', subject)
  const existing = await openId()
  if (existing !== 0n) return existing
  const bond = await chain.read('Disputes', 'bondFor', subject)
  const balance = await chain.read('GOpen', 'balanceOf', [chain.account])
  if (balance < bond)
    throw new PermanentError(
      `Epoch ${epoch} cannot be disputed: the bond is ${bond} wei of gOPEN, and ${chain.account} has ${balance}. Wrap at least ${bond - balance} wei.`,
    )
  const { place, published, recomputed } = difference
  const statement = `The map ${root} of epoch ${epoch} differs at ${place}: published ${published}, recomputed ${recomputed}.`
  const evidence = (await artifacts.put(documentBytes({ ground: 'root', statement }))) as `0x${string}`
  const key = await publicationKey(chain, epoch, root)
  await chain.transact(`${key}:approve`, {
    contract: 'GOpen',
    functionName: 'approve',
    args: [chain.addresses.Disputes, bond],
  })
  try {
    const { events } = await chain.transact(key, {
      contract: 'Disputes',
      functionName: 'open',
      args: [...subject, evidence],
    })
    for (const event of events) if (event.name === 'DisputeOpened') return event.args.disputeId
    throw new Error(`The dispute of epoch ${epoch} was mined without its event.`)
  } catch (error) {
    const others = error instanceof RevertError ? await openId() : 0n // somebody else was faster
    if (others === 0n) throw error
    return others
  }
}

/** The key of the dispute about a publication. The same map may be published again after it was cancelled, and disputed again after a dispute was rejected:
 *  then another transaction is needed. */
async function publicationKey({ read }: ChainClient, epoch: number, root: string): Promise<string> {
  const [, , publishedAt] = await read('RewardDistributor', 'maps', [BigInt(epoch)])
  const rejected = await read('Disputes', 'rejectedMaps', [BigInt(epoch)])
  return `dispute:${epoch}:${root}:${publishedAt}:${rejected}`
}
