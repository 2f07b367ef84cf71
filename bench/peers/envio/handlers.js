const { GOpen, ModelGovernor } = require('./generated')

/** As envio's documentation writes handlers: one set an entity; `preload_handlers` loads the proposals of a batch together. */
const pad = (value, digits) => String(value).padStart(digits, '0')
const TALLY = ['against_votes', 'for_votes', 'abstain_votes']
const when = ({ block }) => new Date(block.timestamp * 1000)

const stored = (event, contract, name, args) => ({
  id: `${pad(event.block.number, 12)}-${pad(event.logIndex, 6)}`,
  block: event.block.number,
  contract,
  name,
  args,
  address: event.srcAddress,
  transaction_hash: event.transaction.hash,
  log_index: event.logIndex,
  timestamp: when(event),
})

GOpen.Approval.handler(async ({ event, context }) => {
  const { owner, spender, value } = event.params
  context.chain_event.set(stored(event, 'GOpen', 'Approval', { owner, spender, value: String(value) }))
})

ModelGovernor.VoteCast.handler(async ({ event, context }) => {
  const { voter, weight, reason } = event.params
  const [proposalId, support] = [String(event.params.proposalId), Number(event.params.support)]
  const args = { voter, proposalId, support: String(support), weight: String(weight), reason }
  const proposal = await context.proposal.getOrCreate({
    id: proposalId,
    against_votes: 0n,
    for_votes: 0n,
    abstain_votes: 0n,
  })
  context.chain_event.set(stored(event, 'ModelGovernor', 'VoteCast', args))
  context.vote.set({
    id: `${proposalId}-${voter}`,
    proposal_id: proposalId,
    voter,
    support,
    weight,
    reason,
    cast_at: when(event),
  })
  const column = TALLY[support]
  context.proposal.set({ ...proposal, [column]: proposal[column] + weight })
})
