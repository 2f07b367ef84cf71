/** The calls that a relayer carries, `Contract.function`: those that hold whoever sends them, because the account has signed them or the contract serves it
 *  alone. Everything else of the contracts counts for its sender, and so needs a transaction of the account. */
export const RELAYED_CALLS = [
  'ModelGovernor.castVoteBySig',
  'ModelGovernor.castVoteWithReasonAndParamsBySig',
  'GOpen.delegateBySig',
  'GOpen.permit',
  'DatanetRegistry.commit',
  'DatanetRegistry.submit',
  'RewardDistributor.claim',
] as const

export type RelayedCall = (typeof RELAYED_CALLS)[number]

export const isRelayedCall = (name: string): name is RelayedCall => (RELAYED_CALLS as readonly string[]).includes(name)
