import type { Hex } from 'viem'
import { DISPUTE_SUBJECTS, type DisputeSubject } from '#rules/dispute.ts'
import type { ChainClient } from './chain.ts'
import { RevertError } from './chainErrors.ts'

export interface OpenedDispute {
  id: bigint
  /** Whether somebody else had opened it. */
  existed: boolean
}

interface NewDispute {
  kind: DisputeSubject
  subjectId: bigint
  /** Which map was found wrong: a dispute about an epoch could be mined when a right one has replaced it. `publishedAt` in seconds since 1970. */
  publication?: { root: Hex; publishedAt: bigint }
  /** The key of its transactions: the same key opens one dispute. */
  key: string
  /** Publishes the reason. */
  evidence(): Promise<Hex>
  /** @throws Error when the account cannot or will not put up such a bond. */
  checkBond(bond: bigint, balance: bigint): void
}

/** Opens a dispute with the bond that the contract asks for, unless one about the same subject is open.
 *  @throws ChainUnavailableError, and what `checkBond` throws. */
export async function openDispute(chain: ChainClient, dispute: NewDispute): Promise<OpenedDispute> {
  const { key, publication } = dispute
  const subject = [DISPUTE_SUBJECTS.indexOf(dispute.kind), dispute.subjectId] as const
  const openId = async () => {
    const id = await chain.read('Disputes', 'openDispute', subject)
    // One whose map was cancelled with an earlier one ends when another is opened.
    return id !== 0n && (await chain.read('Disputes', 'isMoot', [id])) ? 0n : id
  }
  const existing = await openId()
  if (existing !== 0n) return { id: existing, existed: true }
  const signed = await chain.signedTransaction(key)
  if (!signed || signed.status === 'Reverted') await allowBond(chain, dispute, subject)
  const evidence = signed ? (signed.args('Disputes').at(-1) as Hex) : await dispute.evidence()
  try {
    const { events } = await chain.transact(
      key,
      publication
        ? {
            contract: 'Disputes',
            functionName: 'openMap',
            args: [dispute.subjectId, publication.root, publication.publishedAt, evidence],
          }
        : { contract: 'Disputes', functionName: 'open', args: [...subject, evidence] },
      { again: true }, // the contract opens none while this one is open
    )
    for (const event of events) if (event.name === 'DisputeOpened') return { id: event.args.disputeId, existed: false }
    throw new Error(`The dispute of ${dispute.kind} ${dispute.subjectId} was mined without its event.`)
  } catch (error) {
    const others = error instanceof RevertError ? await openId() : 0n // somebody else was faster
    if (others === 0n) throw error
    return { id: others, existed: true }
  }
}

/** Lets the contract take the bond. What was approved for one dispute may be gone: another one of this account may have used it. */
async function allowBond(
  chain: ChainClient,
  { key, checkBond }: NewDispute,
  subject: readonly [kind: number, subjectId: bigint],
): Promise<void> {
  const { account, read, transact } = chain
  const { Disputes } = chain.addresses
  const bond = await read('Disputes', 'bondFor', subject)
  checkBond(bond, await read('GOpen', 'balanceOf', [account]))
  if ((await read('GOpen', 'allowance', [account, Disputes])) >= bond) return
  const count = await read('Disputes', 'disputeCount', [])
  await transact(`${key}:approve:${count}`, { contract: 'GOpen', functionName: 'approve', args: [Disputes, bond] })
}
