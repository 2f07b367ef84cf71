import { type EntityClass, tableOf } from './define.ts'
import { ApiKey, EndpointCallers, KeyCall, SignedVoucher, SignInSecret, SignInSession } from './offchain/access.ts'
import { Artifact } from './offchain/artifacts.ts'
import {
  AnswerAttribution,
  CreditHold,
  JournalledText,
  Receipt,
  TextRetention,
  VersionInfluence,
} from './offchain/attribution.ts'
import { GoldItem, GoldKey } from './offchain/gold.ts'
import { JobMetric, JobRun, JobTotal, WorkerNode } from './offchain/jobs.ts'
import { ChainTransaction, Earning, LedgerBalance, LedgerTransfer, RewardLine } from './offchain/ledger.ts'
import { Reconciliation } from './offchain/reconciliation.ts'
import { RelayedAct } from './offchain/relay.ts'
import { DataWithdrawal, Takedown } from './offchain/removals.ts'
import { SearchText } from './offchain/searchText.ts'
import { StewardStep, Stewardship } from './offchain/steward.ts'
import { HostUsage } from './offchain/usage.ts'
import {
  Block,
  ChainEvent,
  Cursor,
  FollowedContract,
  IndexerLease,
  SetAsideContract,
  StateRoot,
} from './onchain/chain.ts'
import { Commitment, Contribution, Datanet } from './onchain/datanets.ts'
import { Dispute, Slash } from './onchain/disputes.ts'
import { FeedbackRound, FeedbackTask, Judgement, Reputation, Validator } from './onchain/feedback.ts'
import {
  Governor,
  GovernorSetting,
  Holder,
  Proposal,
  ProposalContent,
  TimelockOperation,
  Vote,
} from './onchain/governance.ts'
import { Endpoint, FailedRedemption, PaymentChannel, Redemption } from './onchain/market.ts'
import {
  BudgetEntry,
  Evaluation,
  Mandate,
  Model,
  ModelStake,
  ModelVersion,
  RewardSplit,
  Target,
} from './onchain/models.ts'
import { RewardClaim, RewardMap } from './onchain/rewards.ts'
import { ContributorTotal, Total, ValidatorTotal } from './onchain/totals.ts'

/** All entities. A class that is not in this list has no table and no GraphQL type. */
export const entities: EntityClass[] = [
  Block,
  Cursor,
  IndexerLease,
  ChainEvent,
  StateRoot,
  FollowedContract,
  SetAsideContract,
  Governor,
  Proposal,
  ProposalContent,
  Vote,
  Holder,
  GovernorSetting,
  TimelockOperation,
  Model,
  Mandate,
  Target,
  RewardSplit,
  BudgetEntry,
  ModelStake,
  ModelVersion,
  Evaluation,
  Datanet,
  Commitment,
  Contribution,
  FeedbackRound,
  FeedbackTask,
  Judgement,
  Validator,
  Reputation,
  Endpoint,
  PaymentChannel,
  Redemption,
  FailedRedemption,
  RewardMap,
  RewardClaim,
  Dispute,
  Slash,
  ContributorTotal,
  ValidatorTotal,
  Total,
  JobRun,
  JobMetric,
  JobTotal,
  WorkerNode,
  GoldItem,
  GoldKey,
  RelayedAct,
  Artifact,
  SearchText,
  VersionInfluence,
  Receipt,
  HostUsage,
  AnswerAttribution,
  CreditHold,
  JournalledText,
  TextRetention,
  ApiKey,
  KeyCall,
  EndpointCallers,
  SignInSession,
  SignInSecret,
  SignedVoucher,
  LedgerTransfer,
  LedgerBalance,
  RewardLine,
  Earning,
  ChainTransaction,
  Reconciliation,
  Stewardship,
  StewardStep,
  Takedown,
  DataWithdrawal,
]

export const tables = entities.map(tableOf)
/** The tables that only the indexer writes and a rollback changes. */
export const versionedTables = tables.filter((table) => table.versioned)
