/** Why a node does not add a signed transaction to its pool. The JSON-RPC codes do not tell these cases apart, only the wordings of the nodes. */
export type Refusal =
  /** The node has it, or has mined one with its nonce: nothing is wrong. */
  | 'known'
  /** Its fee is too low: for the base fee, for the node, or to replace the one that the pool has for this nonce. */
  | 'underpriced'
  /** Its account cannot pay for it. */
  | 'funds'
  /** No block can take it, at any fee. */
  | 'impossible'
  /** Anything else: the pool is full, the node is behind, or does not answer. */
  | 'other'

/** By the wordings of geth, reth, Erigon, Nethermind, Besu and anvil. */
const WORDINGS: readonly [Exclude<Refusal, 'other'>, RegExp][] = [
  [
    'impossible',
    /exceeds (?:the )?block(?:'s)? gas limit|gas limit (?:is )?too high|gas limit too high|intrinsic gas too (?:high|low)|gas limit .{0,60}(?:greater|exceeds|above).{0,40}(?:cap|limit)|GasLimitExceeded|max initcode|oversized data/i,
  ],
  [
    'underpriced',
    /underpriced|could not replace existing|ReplacementNotAllowed|fee too low|FeeTooLow|less than block base fee|lower than the block base fee|below (?:the )?(?:current )?(?:minimum|base ?fee)|gas price (?:too low|below)|maxFeePerGas is too low/i,
  ],
  [
    'known',
    /already ?(?:known|imported|exists|in mempool)|AlreadyKnown|known transaction|existing tx with same hash|nonce too low|nonce is too low|OldNonce|NonceTooLow|lower than the (?:current|account'?s?) nonce|nonce below/i,
  ],
  ['funds', /insufficient (?:funds|balance)|InsufficientFunds|exceeds (?:the )?(?:account )?balance|upfront cost/i],
]

export const refusalOf = (message: string): Refusal =>
  WORDINGS.find(([, wording]) => wording.test(message))?.[0] ?? 'other'
