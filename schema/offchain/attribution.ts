import { Address, Flag, Hash, Id, Indexed, Integer, Json, OffChain, Real, Ref, Text, Time, Wei } from '../define.ts'
import { Contribution } from '../onchain/datanets.ts'
import { Endpoint } from '../onchain/market.ts'
import { ModelVersion } from '../onchain/models.ts'
import { JobRun } from './jobs.ts'

@OffChain(
  'The influence of one contribution on one version, measured on the mandate’s validation set, and the resulting weight.',
)
@Indexed('version_influence_weight', 'version_id, weight desc nulls last, contribution_id')
export class VersionInfluence {
  @Id('`version-contribution`.') id!: string
  @Ref(() => ModelVersion, 'version', 'On which version it was measured.', { inverse: 'influences' }) versionId!: string
  @Ref(() => Contribution, 'contribution', 'Which sample had the influence.', { inverse: 'influences' })
  contributionId!: string
  @Real('Influence: positive means helpful.') influence!: number
  @Real('Its standard error over validation items.') standardError!: number
  @Flag('Whether it is positive at a false discovery rate of 5 %.') significant!: boolean
  @Flag('Whether its upper bound is below zero.') harmful!: boolean
  @Integer('Share of the version’s weight, in ppm.') weight!: number
}

@OffChain('One answered call: prompt, answer, cost and signature.')
@Indexed('receipt_unsettled', 'answered_at', 'epoch is null')
@Indexed('receipt_of_channel', 'channel_id, cumulative')
@Indexed('receipt_of_consumer', 'consumer, answered_at')
@Indexed('receipt_answered', 'answered_at')
@Indexed('receipt_texts', 'answered_at', 'texts_removed_at is null')
export class Receipt {
  @Id('The receipt id.') id!: string
  @Ref(() => Endpoint, 'endpoint', 'Which endpoint was called.', { inverse: 'receipts' }) endpointId!: string
  @Ref(() => ModelVersion, 'version', 'The version that answered.', { inverse: 'receipts' }) versionId!: string
  @Ref(() => JobRun, 'job', 'The job that answered.', { unique: true }) jobId!: string
  @Address('The account that asked and pays.') consumer!: string
  @Text('The payment channel that pays.', { nullable: true }) channelId!: string | null
  @Wei('All fees of the channel’s calls so far, this one included: what a redemption must reach to pay it.')
  cumulative!: bigint
  @Flag('Whether the consumer lets prompt and answer be shown: only then its attribution moves rewards.')
  isOpen!: boolean
  @Integer('The epoch that paid it; null until then.', { index: true, nullable: true }) epoch!: number | null
  @Text('The prompt; empty once it is removed.') prompt!: string
  @Text('The answer; empty once it is removed.') answer!: string
  @Time('When prompt and answer were removed, by their consumer or for their age. The hash still is that of both.', {
    nullable: true,
  })
  textsRemovedAt!: Date | null
  @Integer('Input tokens.') tokensIn!: number
  @Integer('Output tokens.') tokensOut!: number
  @Wei('Price of 1,000 input tokens at the start of the call.') priceIn!: bigint
  @Wei('Price of 1,000 output tokens at the start of the call.') priceOut!: bigint
  @Wei('The fee.') fee!: bigint
  @Hash('The salted hash of the prompt. Null: signed by an earlier release, in another form.', { nullable: true })
  requestHash!: string | null
  @Hash('The salted hash of the answer. Null: signed by an earlier release.', { nullable: true })
  responseHash!: string | null
  @Hash('The salted hash of `cumulative`. Null: signed by an earlier release.', { nullable: true })
  totalHash!: string | null
  @Hash('The EIP-712 hash that the host signed when it answered, without an attribution.') hash!: string
  @Text('The salt of its hashes. Null: answered by an earlier release, without a salt.', { nullable: true }) salt!:
    | string
    | null
  @Text('The host’s signature of the hash.') signature!: string
  @Hash('The salted digest of its attribution. Null until the answer is traced.', { nullable: true })
  attributionDigest!: string | null
  @Text('The host’s signature of the receipt with the digest of its attribution. Null until the answer is traced.', {
    nullable: true,
  })
  attributionSignature!: string | null
  @Text('The consumer’s signature of the hash, once it has countersigned.', { nullable: true })
  countersignature!: string | null
  @Json('The receipt of x402’s extension `offer-receipt`, signed by the host. Null: not paid by x402.', {
    nullable: true,
  })
  x402Receipt!: Record<string, unknown> | null
  @Time('When it was answered.') answeredAt!: Date
}

@OffChain('The evidence for one contribution’s effect on one answer, in three separate measures.')
export class AnswerAttribution {
  @Id('`receipt-contribution`.') id!: string
  @Ref(() => Receipt, 'receipt', 'The answer.', { inverse: 'attributions' }) receiptId!: string
  @Ref(() => Contribution, 'contribution', 'Which sample had the effect.', { inverse: 'answers' })
  contributionId!: string
  @Real('Influence on this answer.') influence!: number
  @Real('Cosine similarity of embeddings.') similarity!: number
  @Json('Verbatim spans shared with this answer: text and token counts.') spans!: {
    text: string
    tokens: number
    count: number
  }[]
  @Integer('Share of the answer, in ppm.') share!: number
}

@OffChain('Credit that is reserved for a running call and released when the fee is posted.')
@Indexed('credit_hold_unsettled', 'created_at', 'not is_settled')
export class CreditHold {
  @Id('The job id.') id!: string
  @Address('The account whose credit is reserved.', { index: true }) consumer!: string
  @Ref(() => Endpoint, 'endpoint', 'Which endpoint answers the call.') endpointId!: string
  @Ref(
    () => ModelVersion,
    'version',
    'The version that the endpoint served when it was reserved, which answers. Null: reserved by an earlier release.',
    { nullable: true },
  )
  versionId!: string | null
  @Text('The payment channel whose credit is reserved.', { nullable: true }) channelId!: string | null
  @Wei('The maximum cost.') maximum!: bigint
  @Wei('Price of 1,000 input tokens when it was reserved.') priceIn!: bigint
  @Wei('Price of 1,000 output tokens when it was reserved.') priceOut!: bigint
  @Wei('The actual cost, once known.', { nullable: true }) fee!: bigint | null
  @Text('What was paid by x402: the URL of the request.', { nullable: true, hidden: true }) resourceUrl!: string | null
  @Flag('Whether the reservation is still open.') open!: boolean
  @Time('When it was reserved.') createdAt!: Date
  @Flag('Whether the ledger has posted its end.', { default: false, hidden: true }) isSettled!: boolean
}

@OffChain('A call whose texts were removed here, and are in the journal of answers still.')
export class JournalledText {
  @Id('The job, whose attempts have journalled answers between these times.') id!: string
  @Time('When it was requested.', { index: true }) requestedAt!: Date
  @Time('When it ended.') endedAt!: Date
  @Time('When a part of the journal that may have them could not be read.', { nullable: true }) triedAt!: Date | null
}

@OffChain('Since when prompts and answers are removed by their age: what is older is as old as this.')
export class TextRetention {
  @Id('Always 1: there is one.') id!: string
  @Time('When a worker removed old texts for the first time.') since!: Date
}
