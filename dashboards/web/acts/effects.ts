import { accountOf, balanceOf, type Client, channelWith, graphql, listContributions } from '#client/index.ts'
import { gopen } from '../say/figures.ts'

/** What the index says after an act. */

const PROPOSAL = graphql(
  'query ($id: ID!) { proposal(id: $id) { state forVotes againstVotes abstainVotes quorumReached } }',
)

export async function proposalEffect(client: Client, proposalId: string): Promise<string> {
  const { proposal } = await client.ask(PROPOSAL, { id: proposalId })
  if (!proposal) return 'The index does not know the proposal yet.'
  const { state, forVotes, againstVotes, abstainVotes, quorumReached } = proposal
  const tally = `For ${gopen(forVotes)}, against ${gopen(againstVotes)}, abstain ${gopen(abstainVotes)}`
  return `${tally}; quorum ${quorumReached ? 'reached' : 'not reached'}; the proposal is ${state?.toLowerCase() ?? 'in an unknown state'}.`
}

/** What the account has, by the contracts. */
export async function haveNow(client: Client): Promise<string> {
  const { gOpen, locked, votes } = await balanceOf(client, accountOf(client))
  return `You have ${gopen(gOpen)} gOPEN free and ${gopen(locked)} locked, and ${gopen(votes)} votes.`
}

export async function creditNow(client: Client, endpointId: string): Promise<string> {
  const { balance, redeemed } = await channelWith(client, BigInt(endpointId))
  return `Your credit with endpoint ${endpointId} is ${gopen(balance)} gOPEN; ${gopen(redeemed)} gOPEN were redeemed so far.`
}

export async function contributionsEffect(client: Client, datanetId: string): Promise<string> {
  const rows = await listContributions(client, { datanetId: BigInt(datanetId) })
  const count = (status: string) => rows.filter((row) => row.status === status).length
  return `The index has ${rows.length} of yours in this datanet: ${count('Accepted')} accepted, ${count('Rejected')} rejected, the others wait to be scored.`
}
