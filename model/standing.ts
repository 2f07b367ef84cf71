import { type Client, graphql, type ResultOf } from '#client/index.ts'
import { lostText, lostWinRate, WIN_RATE } from '#rules/winRate.ts'

const STANDING = graphql(`
  query ($id: ID!, $winRate: String!) {
    model(id: $id) {
      id proposalId bondStatus liveVersionId
      proposal { state voteStart voteEnd eta forVotes againstVotes abstainVotes quorumNeeded quorumReached }
      mandates(first: 10) { nodes { budget funded spent deadline } }
      stewardships(first: 1) { nodes { state explanation } }
      targets(first: 16) { nodes { metric minimum } }
      datanets(first: 20) { nodes {
        id licence minStake
        contributions { totalCount }
        accepted: contributions(where: { status: { eq: Accepted } }) { totalCount }
      } }
      versions(first: 20, orderBy: [{ field: registeredAt, direction: desc }]) { nodes {
        id method status rollbackReason
        meetsMandate { met reason }
        evaluations(first: 16) { nodes { metric score lower upper n } }
        winRates: evaluations(first: 1, where: { metric: { eq: $winRate } }, orderBy: [{ field: id, direction: asc }]) {
          nodes { metric score lower upper n }
        }
        endpoints(first: 20) { nodes { id url host priceIn priceOut } }
      } }
    }
  }`)

/** What the index says of a model. */
export type ModelStanding = NonNullable<ResultOf<typeof STANDING>['model']>

export const readStanding = async (client: Client, modelId: bigint): Promise<ModelStanding | null> =>
  (await client.ask(STANDING, { id: modelId.toString(), winRate: WIN_RATE })).model

/** Says, with the interval, that the answers of an aligned version lose to those of the version before; undefined where they do not, or nobody has compared. */
export function lostAlignment({ winRates }: Pick<ModelStanding['versions']['nodes'][number], 'winRates'>) {
  const measured = winRates.nodes.map(({ metric, score, lower, upper, n }) => ({
    ...{ metric, n: BigInt(n) },
    ...{ score: BigInt(score), lower: BigInt(lower), upper: BigInt(upper) },
  }))
  const lost = lostWinRate(measured)
  return lost && lostText(lost)
}
