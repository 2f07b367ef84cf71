import { Initial } from './0001-Initial.ts'
import { ReceiptAndHold } from './0002-ReceiptAndHold.ts'
import { PresentRows } from './0003-PresentRows.ts'
import { LedgerEvent } from './0004-LedgerEvent.ts'
import { LedgerGuard } from './0005-LedgerGuard.ts'
import { Governors } from './0006-Governors.ts'
import { AddStateRoot } from './0007-AddStateRoot.ts'
import { FollowedContracts } from './0008-FollowedContracts.ts'
import { ListIndexes } from './0009-ListIndexes.ts'
import { LeanIndexing } from './0010-LeanIndexing.ts'
import { JobTrace } from './0011-JobTrace.ts'
import { JobLanes } from './0012-JobLanes.ts'
import { JobCheckpointColumn } from './0013-JobCheckpointColumn.ts'
import { AddIndexerLease } from './0014-AddIndexerLease.ts'
import { OperatorView } from './0015-OperatorView.ts'
import { NextJobs } from './0016-NextJobs.ts'
import { ReplacedTransactions } from './0017-ReplacedTransactions.ts'
import { WaitsByReason } from './0018-WaitsByReason.ts'
import { LockedVotes } from './0019-LockedVotes.ts'
import { DisputeVerdicts } from './0020-DisputeVerdicts.ts'
import { WorkerSlots } from './0021-WorkerSlots.ts'
import { ScoringFees } from './0022-ScoringFees.ts'
import { Channels } from './0023-Channels.ts'
import { LedgerBalances } from './0024-LedgerBalances.ts'
import { VersionRatchet } from './0025-VersionRatchet.ts'
import { ReceiptSalt } from './0026-ReceiptSalt.ts'
import { FeedbackRounds } from './0027-FeedbackRounds.ts'
import { AddHostUsage } from './0028-AddHostUsage.ts'
import { AddGoldItems } from './0029-AddGoldItems.ts'
import { AddSteward } from './0030-AddSteward.ts'
import { CountUploads } from './0031-CountUploads.ts'
import { AddRemovals } from './0032-AddRemovals.ts'
import { StreamKey } from './0033-StreamKey.ts'
import { AddRelay } from './0034-AddRelay.ts'
import { AddSearch } from './0035-AddSearch.ts'
import { AddSignIn } from './0036-AddSignIn.ts'
import { FollowAnyGovernor } from './0037-FollowAnyGovernor.ts'
import { AddTotals } from './0038-AddTotals.ts'
import { ProposalContents } from './0039-ProposalContents.ts'
import { AddEndpointCallers } from './0040-AddEndpointCallers.ts'
import { RootsOfVersion4 } from './0041-RootsOfVersion4.ts'
import { LeanVotes } from './0042-LeanVotes.ts'
import { HoldVersion } from './0043-HoldVersion.ts'
import { TextsAndRates } from './0044-TextsAndRates.ts'
import { IndexTexts } from './0045-IndexTexts.ts'
import { SignedReceipts } from './0046-SignedReceipts.ts'
import type { Migration } from './migration.ts'

export type { Migration }

/** Oldest first; written by `npm run migration`. */
export const migrations: (new () => Migration)[] = [
  Initial,
  ReceiptAndHold,
  PresentRows,
  LedgerEvent,
  LedgerGuard,
  Governors,
  AddStateRoot,
  FollowedContracts,
  ListIndexes,
  LeanIndexing,
  JobTrace,
  JobLanes,
  JobCheckpointColumn,
  AddIndexerLease,
  OperatorView,
  NextJobs,
  ReplacedTransactions,
  WaitsByReason,
  LockedVotes,
  DisputeVerdicts,
  WorkerSlots,
  ScoringFees,
  Channels,
  LedgerBalances,
  VersionRatchet,
  ReceiptSalt,
  FeedbackRounds,
  AddHostUsage,
  AddGoldItems,
  AddSteward,
  CountUploads,
  AddRemovals,
  StreamKey,
  AddRelay,
  AddSearch,
  AddSignIn,
  FollowAnyGovernor,
  AddTotals,
  ProposalContents,
  AddEndpointCallers,
  RootsOfVersion4,
  LeanVotes,
  HoldVersion,
  TextsAndRates,
  IndexTexts,
  SignedReceipts,
]
