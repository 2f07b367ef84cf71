import {
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  recoverTypedDataAddress,
  serializeSignature,
} from 'viem'
import type { ContractName, contracts } from '#contracts/generated/index.ts'
import { commitment, contentsHash } from '#rules/sample.ts'
import { delegationData } from '#rules/signing.ts'
import type { RelayedCall } from '#schema/relayedCalls.ts'
import type { ChainClient } from '../chain.ts'

/** What the relayer must know of a call before it pays for it. `account` is in lower case. */
export interface RelayRule<Args extends readonly unknown[]> {
  /** Who has signed it, or whom it serves. */
  account(chain: RelayChain, args: Args): Promise<string> | string
  /** Whether the chain has already what it does: then there is nothing to send. */
  isDone(chain: RelayChain, args: Args, account: Address): Promise<boolean>
  /** Why it does not deserve the relayer's gas; undefined when it does. The chain would take it, but a stranger could ask for it without end. */
  refusal?(chain: RelayChain, args: Args, account: Address): Promise<string | undefined>
  /** The second after which the chain refuses it. */
  until?(chain: RelayChain, args: Args): Promise<bigint> | bigint
}

export type RelayChain = Pick<ChainClient, 'read' | 'client' | 'chainId' | 'addresses'>

/** The contract of a call, and its function. */
type Parts<N extends RelayedCall> = N extends `${infer C extends ContractName}.${infer F}` ? [C, F] : never
type AbiOf<N extends RelayedCall> = (typeof contracts)[Parts<N>[0]]['abi']
type ArgsOf<N extends RelayedCall> = Extract<
  ContractFunctionArgs<AbiOf<N>, 'nonpayable', Extract<Parts<N>[1], ContractFunctionName<AbiOf<N>, 'nonpayable'>>>,
  readonly unknown[]
>

/** In the registry's `committedAt`, for a commitment whose batch was submitted. */
const SUBMITTED = 2n ** 256n - 1n

/** Accounts are made for nothing: one with nothing at stake gets no gas. */
async function withoutTokens({ read }: RelayChain, account: Address): Promise<string | undefined> {
  const [free, locked] = await Promise.all([
    read('GOpen', 'balanceOf', [account]),
    read('GOpen', 'lockedOf', [account]),
  ])
  return free + locked > 0n ? undefined : `${account} has no gOPEN. Acts of accounts without any are not relayed.`
}

/** The rule of a ballot, whose first argument is the proposal and whose third the voter. */
const ballot: RelayRule<readonly [bigint, number, Address, ...unknown[]]> = {
  account: (_, [, , voter]) => voter,
  isDone: ({ read }, [proposalId], account) => read('ModelGovernor', 'hasVoted', [proposalId, account]),
  async refusal({ read }, [proposalId], account) {
    const snapshot = await read('ModelGovernor', 'proposalSnapshot', [proposalId])
    if (snapshot === 0n || snapshot >= BigInt(await read('ModelGovernor', 'clock', [])))
      return `The vote on proposal ${proposalId} is not open.`
    const votes = await read('ModelGovernor', 'getVotes', [account, snapshot])
    return votes > 0n ? undefined : `${account} had no votes at the snapshot of proposal ${proposalId}.`
  },
  until: ({ read }, [proposalId]) => read('ModelGovernor', 'proposalDeadline', [proposalId]),
}

/** A call without a rule does not compile. */
export const RELAY_RULES: { readonly [N in RelayedCall]: RelayRule<ArgsOf<N>> } = {
  'ModelGovernor.castVoteBySig': ballot,
  'ModelGovernor.castVoteWithReasonAndParamsBySig': ballot,

  // Any signature is somebody's: that of an account which nobody has would be taken, too.
  'GOpen.delegateBySig': {
    account({ chainId, addresses }, [delegatee, nonce, expiry, v, r, s]) {
      const data = delegationData({ chainId, contract: addresses.GOpen }, { delegatee, nonce, expiry })
      return recoverTypedDataAddress({ ...data, signature: serializeSignature({ v: BigInt(v), r, s }) })
    },
    isDone: async ({ read }, [delegatee], account) =>
      (await read('GOpen', 'delegates', [account])).toLowerCase() === delegatee.toLowerCase(),
    async refusal({ read }, _, account) {
      if ((await read('GOpen', 'lockedOf', [account])) > 0n) return undefined
      return `${account} has no locked gOPEN, with which the other could vote.`
    },
    until: (_, [, , expiry]) => expiry,
  },

  'GOpen.permit': {
    account: (_, [owner]) => owner,
    isDone: async ({ read }, [owner, spender, value]) => (await read('GOpen', 'allowance', [owner, spender])) === value,
    async refusal(chain, [, spender], account) {
      const ours = Object.values(chain.addresses).some((address) => address.toLowerCase() === spender.toLowerCase())
      if (!ours) return `${spender} is none of this deployment’s contracts: only permits for them are relayed.`
      return withoutTokens(chain, account)
    },
    until: (_, [, , , deadline]) => deadline,
  },

  'DatanetRegistry.commit': {
    account: (_, [, contributor]) => contributor,
    async isDone({ read, client }, [hash, contributor]) {
      const [since, life, head] = await Promise.all([
        read('DatanetRegistry', 'committedAt', [contributor, hash]),
        read('DatanetRegistry', 'COMMITMENT_BLOCKS', []),
        client.getBlockNumber(),
      ])
      return since === SUBMITTED || (since > 0n && head <= since + life)
    },
    refusal: (chain, _, account) => withoutTokens(chain, account),
  },

  'DatanetRegistry.submit': {
    account: (_, [, contributor]) => contributor,
    async isDone({ read }, [datanetId, contributor, hashes, , salt]) {
      const hash = commitment({ datanetId, contributor, contentsHash: contentsHash(hashes), salt })
      return (await read('DatanetRegistry', 'committedAt', [contributor, hash])) === SUBMITTED
    },
    refusal: (chain, _, account) => withoutTokens(chain, account),
    until: (_, [, , , , , deadline]) => deadline,
  },

  'RewardDistributor.claim': {
    account: (_, [, account]) => account,
    isDone: async ({ read }, [, , cumulative], account) =>
      (await read('RewardDistributor', 'claimed', [account])) >= cumulative,
  },
}
