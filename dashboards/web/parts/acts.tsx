/** Where a person acts on what a page shows. Each page has one of these beside its title; the acts stand in `acts/`, the wallet in `wallet/`. */

export {
  AccountActs,
  ContributionActs,
  DatanetActs,
  EndpointActs,
  EpochActs,
  JudgingActs as ComparisonActs,
  ModelActs,
  ProposalActs,
  ProposalsActs,
  VersionActs,
} from '../acts/places.tsx'
export { WalletButton as WalletStatus } from '../wallet/walletButton.tsx'

/** Verdicts are the resolver's and the timelock's. */
export const DisputeActs = (_: { id: string }) => null
