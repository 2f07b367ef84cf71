import { createConfig } from 'ponder'
import { parseAbi } from 'viem'

/** Ponder builds its project alone: nothing of ours can be imported. */
const { BENCH_ADDRESSES = '{}', BENCH_CHAIN, BENCH_RPC, DATABASE_URL } = process.env
const addresses = JSON.parse(BENCH_ADDRESSES)

export default createConfig({
  database: { kind: 'postgres', connectionString: DATABASE_URL },
  chains: { bench: { id: Number(BENCH_CHAIN), rpc: BENCH_RPC, pollingInterval: 200 } },
  contracts: {
    GOpen: {
      chain: 'bench',
      address: addresses.GOpen,
      startBlock: 1,
      abi: parseAbi(['event Approval(address indexed owner, address indexed spender, uint256 value)']),
    },
    ModelGovernor: {
      chain: 'bench',
      address: addresses.ModelGovernor,
      startBlock: 1,
      abi: parseAbi([
        'event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason)',
      ]),
    },
  },
})
