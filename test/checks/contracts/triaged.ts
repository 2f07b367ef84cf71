/** A finding of Slither that was examined and is no fault. */
export type TriagedFinding = {
  /** Slither's name of the detector. */
  check: string
  /** Slither's text on one line, without places. */
  finding: string
  because: string
}

/** Every finding of high or medium impact that `npm run check -- contracts` accepts. Before you add one: can the code be written so that
 *  Slither does not find it? */
export const triagedFindings: readonly TriagedFinding[] = [
  {
    check: 'arbitrary-send-erc20',
    finding:
      'DatanetRegistry.submit(uint256,address,bytes32[],uint256,bytes32,uint256,bytes) uses arbitrary from in transferFrom: token.safeTransferFrom(contributor,address(this),stakeEach * contentHashes.length)',
    because:
      'The contributor is the caller, or has signed exactly this batch and stake with a nonce (`_checkSignature`).',
  },
  {
    check: 'incorrect-equality',
    finding:
      'GOpen.unlock(address) uses a dangerous strict equality: - unlocking.amount == 0 || block.timestamp < unlocking.availableAt',
    because: 'The amount is a record of this contract, not a balance that somebody could change by a transfer.',
  },
  {
    check: 'incorrect-equality',
    finding: 'RewardDistributor.runningEpoch() uses a dangerous strict equality: - endOf[epochCount] == toBlock',
    because: 'Both are the last blocks of periods; fees arrived in the running period exactly if its end is recorded.',
  },
  {
    check: 'unused-return',
    finding:
      'Channels.isSigned(bytes32,uint128,address,bytes) ignores return value by (signer,failed,None) = ECDSA.tryRecoverCalldata(digest,signature)',
    because: 'The third value only tells more about the error that the second one names.',
  },
  {
    check: 'unused-return',
    finding:
      'InferenceMarket.redeem(InferenceMarket.Redemption[]) ignores return value by (epoch,None) = distributor.runningEpoch()',
    because: 'A redemption names its epoch; the last block of the epoch is told by the event of the funds.',
  },
  {
    check: 'divide-before-multiply',
    finding:
      'FeedbackTasks._isDrawn(uint256,FeedbackTasks.Round,uint256,address,uint256) performs a multiplication on the result of a division: - hash < type()(uint256).max / round.totalStake * chance',
    because:
      'The product before the division needs more than 256 bits. What the division loses is at most the part 2^-48 of a chance: stakes have 208 bits.',
  },
  {
    check: 'unused-return',
    finding:
      'ValidatorStakes._addStake(address,uint256) ignores return value by _stakes[validator].push(uint48(block.number),held)',
    because: 'It is the value before and the one that was pushed; both are known here.',
  },
  {
    check: 'unused-return',
    finding:
      'ValidatorStakes._addStake(address,uint256) ignores return value by _totalStake.push(uint48(block.number),SafeCast.toUint208(_totalStake.latest() + amount))',
    because: 'It is the value before and the one that was pushed; both are known here.',
  },
  {
    check: 'unused-return',
    finding:
      'ValidatorStakes._takeStake(address,uint256) ignores return value by _stakes[validator].push(uint48(block.number),held)',
    because: 'It is the value before and the one that was pushed; both are known here.',
  },
  {
    check: 'unused-return',
    finding:
      'ValidatorStakes._takeStake(address,uint256) ignores return value by _totalStake.push(uint48(block.number),uint208(_totalStake.latest() - amount))',
    because: 'It is the value before and the one that was pushed; both are known here.',
  },
  {
    check: 'uninitialized-local',
    finding:
      'DatanetRegistry.score(uint256[],uint32[],uint32[],uint8[],string[]).forfeited is a local variable never initialized',
    because: 'A sum over a list, which is zero for an empty one.',
  },
  {
    check: 'uninitialized-local',
    finding: 'DatanetRegistry.withdrawStake(uint256[]).total is a local variable never initialized',
    because: 'A sum over a list, which is zero for an empty one.',
  },
  {
    check: 'uninitialized-local',
    finding:
      'FeedbackPool.settle(uint256,uint256[],FeedbackPool.Settlement[],bytes32).fined is a local variable never initialized',
    because: 'A sum over a list, which is zero for an empty one.',
  },
  {
    check: 'uninitialized-local',
    finding:
      'FeedbackTasks.openRound(uint256,FeedbackTasks.TaskInput[],uint64,uint64,uint8,bytes32).total is a local variable never initialized',
    because: 'A sum over a list, which is zero for an empty one.',
  },
  {
    check: 'uninitialized-local',
    finding: 'InferenceMarket.redeem(InferenceMarket.Redemption[]).sum is a local variable never initialized',
    because: 'A sum over a list, which is zero for an empty one.',
  },
  {
    check: 'uninitialized-local',
    finding: 'Disputes._close(uint256,Disputes.Dispute,uint8,uint256).slashed is a local variable never initialized',
    because: 'Only an upheld dispute slashes; of others nothing was.',
  },
  {
    check: 'uninitialized-local',
    finding: 'Disputes.bondFor(Subject,uint256).stake is a local variable never initialized',
    because: 'A version has no stake: its bond is the least one.',
  },
  {
    check: 'uninitialized-local',
    finding: 'FeedbackTasks.commit(uint256[],bytes32[]).roundId is a local variable never initialized',
    because: 'Rounds begin at 1, so that the first task always has another round than 0.',
  },
  {
    check: 'uninitialized-local',
    finding: 'FeedbackTasks.commit(uint256[],bytes32[]).round is a local variable never initialized',
    because: 'It is read for the first task, whose round is never 0.',
  },
  {
    check: 'uninitialized-local',
    finding: 'FeedbackTasks.commit(uint256[],bytes32[]).seatStake is a local variable never initialized',
    because: 'It is computed for the first task, whose round is never 0.',
  },
]
