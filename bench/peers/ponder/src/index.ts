import { ponder } from 'ponder:registry'
import { chainEvent, proposal, vote } from 'ponder:schema'

const pad = (value: unknown, digits: number) => String(value).padStart(digits, '0')
const TALLY = ['againstVotes', 'forVotes', 'abstainVotes'] as const
const when = (event: { block: { timestamp: bigint } }) => new Date(Number(event.block.timestamp) * 1000)

const stored = (event, contract: string, name: string, args: object) => ({
  id: `${pad(event.block.number, 12)}-${pad(event.log.logIndex, 6)}`,
  block: Number(event.block.number),
  contract,
  name,
  args,
  address: event.log.address,
  transactionHash: event.transaction.hash,
  logIndex: event.log.logIndex,
  timestamp: when(event),
})

ponder.on('GOpen:Approval', async ({ event, context }) => {
  const { owner, spender, value } = event.args
  await context.db.insert(chainEvent).values(stored(event, 'GOpen', 'Approval', { owner, spender, value: String(value) }))
})

ponder.on('ModelGovernor:VoteCast', async ({ event, context }) => {
  const { voter, proposalId, support, weight, reason } = event.args
  const args = { voter, proposalId: String(proposalId), support: String(support), weight: String(weight), reason }
  await context.db.insert(chainEvent).values(stored(event, 'ModelGovernor', 'VoteCast', args))
  const id = `${proposalId}-${voter}`
  await context.db
    .insert(vote)
    .values({ id, proposalId: String(proposalId), voter, support, weight, reason, castAt: when(event) })
  const column = TALLY[support]
  await context.db
    .insert(proposal)
    .values({ id: String(proposalId), againstVotes: 0n, forVotes: 0n, abstainVotes: 0n, [column]: weight })
    .onConflictDoUpdate((row) => ({ [column]: row[column] + weight }))
})
