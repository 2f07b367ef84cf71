import { graphql } from '#client/graphql/document.ts'
import { useQuery } from '../data/useQuery.ts'
import { ActButton } from './actButton.tsx'

/** What can be done on each page, beside its title. */

export interface PlaceProps {
  /** The id of what the page shows. */
  id: string
}

/** Propose. */
export const ProposalsActs = () => <ActButton act="propose" />

const PROPOSAL = graphql(
  'query ($id: ID!) { proposal(id: $id) { state models(first: 1) { nodes { id bondStatus } } } }',
)

/** Vote, queue, execute: what the proposal's present state allows. */
export function ProposalActs({ id }: PlaceProps) {
  const { data } = useQuery(PROPOSAL, { id })
  const state = data?.proposal?.state
  const [model] = data?.proposal?.models.nodes ?? []
  const isOver = state === 'Executed' || state === 'Defeated' || state === 'Canceled' || state === 'Expired'
  return (
    <>
      <StateActs proposalId={id} state={state} />
      {isOver && model?.bondStatus === 'Locked' && <ActButton act="resolveBond" given={{ modelId: model.id }} />}
    </>
  )
}

interface StateActsProps {
  proposalId: string
  /** As the Governor reports it. */
  state: string | null | undefined
}

const BY_STATE = { Active: 'vote', Succeeded: 'queue', Queued: 'execute' } as const

/** What anyone can do about a proposal in a state. */
export function StateActs({ proposalId, state }: StateActsProps) {
  if (state === 'Pending') return <ActButton act="delegate">Lock gOPEN to vote</ActButton>
  const act = BY_STATE[state as keyof typeof BY_STATE]
  return act ? <ActButton act={act} given={{ proposalId }} /> : null
}

const SERVED = graphql(
  'query ($where: EndpointWhere!) { endpoints(first: 1, where: $where, orderBy: [{ field: priceOut, direction: asc }]) { nodes { id } } }',
)

/** The cheapest endpoint of a version. */
function Ask({ versionId }: { versionId: string }) {
  const { data } = useQuery(SERVED, { where: { versionId: { eq: versionId } } })
  const endpointId = data?.endpoints.nodes[0]?.id
  if (!endpointId) return null
  return <EndpointActs id={endpointId} />
}

/** Ask, deposit, take credit back. */
export const EndpointActs = ({ id }: PlaceProps) => (
  <>
    <ActButton act="call" given={{ endpointId: id }} />
    <ActButton act="deposit" given={{ endpointId: id }} />
    <ActButton act="requestWithdrawal" given={{ endpointId: id }} />
    <ActButton act="withdraw" given={{ endpointId: id }} />
  </>
)

const LIVE = graphql('query ($id: ID!) { model(id: $id) { liveVersionId } }')

/** Stake, ask, open a datanet. */
export function ModelActs({ id }: PlaceProps) {
  const live = useQuery(LIVE, { id }).data?.model?.liveVersionId
  return (
    <>
      {live && <Ask versionId={live} />}
      <ActButton act="stake" given={{ modelId: id }} />
      <ActButton act="unstake" given={{ modelId: id }} />
      <ActButton act="createDatanet" given={{ modelId: id }} />
    </>
  )
}

/** Ask, dispute. */
export const VersionActs = ({ id }: PlaceProps) => (
  <>
    <Ask versionId={id} />
    <ActButton act="dispute" given={{ subject: 'Version', subjectId: id }} />
  </>
)

export const DatanetActs = ({ id }: PlaceProps) => <ActButton act="contribute" given={{ datanetId: id }} />

/** Withdraw, dispute. */
export const ContributionActs = ({ id }: PlaceProps) => (
  <>
    <ActButton act="withdrawStake" given={{ id }} />
    <ActButton act="withdrawContribution" given={{ id }} />
    <ActButton act="dispute" given={{ subject: 'Contribution', subjectId: id }} />
  </>
)

/** Claim, dispute. */
export const EpochActs = ({ id }: PlaceProps) => (
  <>
    <ActButton act="claim" />
    <ActButton act="dispute" given={{ subject: 'RewardMap', subjectId: id }} />
  </>
)

/** Judge: the desk shows what the account has a seat at. */
export const JudgingActs = (_: PlaceProps) => (
  <>
    <ActButton act="judge" />
    <ActButton act="stakeAsValidator" />
    <ActButton act="unstakeAsValidator" />
  </>
)

/** One's own tokens: only on the page of the account that is connected. */
export { AccountActs } from './accountActs.tsx'
