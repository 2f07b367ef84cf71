/** Where a person acts on what a page shows. Each page has one of these beside its title; the acts stand in `wallet/`. */

export interface ActsProps {
  /** The id of what is acted on: a proposal, an account, a datanet, … */
  id: string
}

/** Connecting a wallet, in the header of every page. */
export const WalletStatus = () => null

/** Vote, queue, execute. */
export const ProposalActs = (_: ActsProps) => null
/** Propose a model. */
export const ProposalsActs = () => null
/** Stake, call. */
export const ModelActs = (_: ActsProps) => null
/** Call, dispute, promote. */
export const VersionActs = (_: ActsProps) => null
/** Claim, wrap, delegate; `id` is the account whose page is shown. */
export const AccountActs = (_: ActsProps) => null
/** Contribute. */
export const DatanetActs = (_: ActsProps) => null
/** Withdraw, dispute. */
export const ContributionActs = (_: ActsProps) => null
/** Dispute the reward map. */
export const EpochActs = (_: ActsProps) => null
/** Judge. */
export const ComparisonActs = (_: ActsProps) => null
/** Resolve the bond. */
export const DisputeActs = (_: ActsProps) => null
/** Call, open a channel, deposit. */
export const EndpointActs = (_: ActsProps) => null
