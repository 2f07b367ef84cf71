import { Commitment, Contribution, Datanet } from '#schema/onchain/datanets.ts'
import { Slash } from '#schema/onchain/disputes.ts'
import type { Handlers } from './handler.ts'

const ACCEPTED = 1

export const datanets: Handlers<'DatanetRegistry'> = {
  DatanetCreated(rows, { datanetId, modelId, owner, licence, minStake }, at) {
    const ids = { id: datanetId.toString(), modelId: modelId.toString() }
    rows.put(Datanet, { ...ids, owner, licence, minStake, createdAt: at.timestamp })
  },
  ContributionCommitted(rows, { commitment, contributor }, at) {
    const id = `${commitment}-${contributor}`
    rows.put(Commitment, { id, commitment, contributor, position: at.position, committedAt: at.timestamp })
  },
  ContributionSubmitted(rows, { contributionId, datanetId, contributor, contentHash, stake, commitment }, at) {
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
      excluded: false,
      submittedAt: at.timestamp,
    })
  },
  ContributionScored(rows, { contributionId, quality, uniqueness, verdict, reason }) {
    const status = verdict === ACCEPTED ? 'Accepted' : 'Rejected'
    rows.change(Contribution, contributionId.toString(), { quality, uniqueness, status, reason })
  },
  ContributionStakeReturned(rows, { contributionId, amount }) {
    rows.change(Contribution, contributionId.toString(), ({ stake }) => ({ stake: stake - amount }))
  },
  Slashed(rows, { account, subjectId, role, amount, evidenceHash }, at) {
    const id = subjectId.toString()
    rows.append(Slash, { id: at.position, account, subjectId: id, role, amount, evidenceHash, at: at.timestamp })
    rows.change(Contribution, id, ({ stake, slashed }) => ({ stake: stake - amount, slashed: slashed + amount }))
  },
  EIP712DomainChanged: null,
  RoleAdminChanged: null,
  RoleGranted: null,
  RoleRevoked: null,
}
