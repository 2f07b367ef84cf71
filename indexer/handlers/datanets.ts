import { COMPARISONS } from '#rules/shingles.ts'
import { Commitment, Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Slash } from '#schema/onchain/disputes.ts'
import type { EventHandlers } from './eventContext.ts'

const ACCEPTED = 1

export const datanets: EventHandlers<'DatanetRegistry'> = {
  DatanetCreated(rows, { datanetId, modelId, owner, licence, minStake, comparison }, event) {
    const ids = { id: datanetId.toString(), modelId: modelId.toString() }
    rows.put(Datanet, {
      ...ids,
      owner,
      licence,
      minStake,
      comparison: COMPARISONS[comparison] ?? null,
      createdAt: event.timestamp,
    })
  },
  ContributionCommitted(rows, { commitment, contributor }, event) {
    const id = `${commitment}-${contributor}`
    rows.put(Commitment, { id, commitment, contributor, position: event.id, committedAt: event.timestamp })
  },
  ContributionSubmitted(rows, { contributionId, datanetId, contributor, contentHash, stake, commitment }, event) {
    const { position } = rows.must(Commitment, `${commitment}-${contributor}`)
    rows.put(Contribution, {
      id: contributionId.toString(),
      datanetId: datanetId.toString(),
      contributor,
      contentHash,
      commitment,
      committedBlock: Number(position.split('-')[0]),
      stake,
      status: 'Submitted',
      quality: null,
      uniqueness: null,
      reason: null,
      slashed: 0n,
      forfeited: null,
      excluded: false,
      submittedAt: event.timestamp,
    })
  },
  ContributionScored(rows, { contributionId, quality, uniqueness, verdict, reason }) {
    const status = verdict === ACCEPTED ? 'Accepted' : 'Rejected'
    rows.change(Contribution, contributionId.toString(), { quality, uniqueness, status, reason })
  },
  ScoringFeeForfeited(rows, { contributionId, amount }) {
    rows.change(Contribution, contributionId.toString(), ({ stake }) => ({ stake: stake - amount, forfeited: amount }))
  },
  ContributionStakeReturned(rows, { contributionId, amount }) {
    rows.change(Contribution, contributionId.toString(), ({ stake }) => ({ stake: stake - amount }))
  },
  Slashed(rows, { account, subjectId, role, amount, evidenceHash }, event) {
    const id = subjectId.toString()
    rows.append(Slash, { id: event.id, account, subjectId: id, role, amount, evidenceHash, at: event.timestamp })
    rows.change(Contribution, id, ({ stake, slashed }) => ({ stake: stake - amount, slashed: slashed + amount }))
  },
  EIP712DomainChanged: null,
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
