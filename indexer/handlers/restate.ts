import { PROPOSAL_STATES } from '#rules/tally.ts'
import type { Governor, Proposal } from '#schema/onchain/governance.ts'
import type { Rows, Values } from '../store/rows.ts'
import { changeProposal } from './changeProposal.ts'
import type { EventContext } from './eventContext.ts'

/** After what happened elsewhere to proposals of a Governor, its contract says whether they are cancelled or executed; one that is not asked keeps them as
 *  they were. */
export function restate(
  rows: Rows,
  { id, askedAt }: Readonly<Pick<Governor, 'id' | 'askedAt'>>,
  proposals: readonly Readonly<Values<Proposal>>[],
  { block, blockHash, governances }: EventContext,
) {
  if (askedAt === null || !proposals.length) return
  const ids = proposals.map(({ onChainId }) => onChainId)
  const states = governances.answers?.numbers(rows, { address: id, block, blockHash }, 'state', ids) ?? []
  for (const [index, proposal] of proposals.entries()) {
    const state = PROPOSAL_STATES[Number(states[index])]
    if (state) changeProposal(rows, proposal, { canceled: state === 'Canceled', executed: state === 'Executed' })
  }
}
