import { must } from '#test/must.ts'
import { createConfig } from 'ponder'
import { parseAbi } from 'viem'

const addresses = JSON.parse(must(process.env.BENCH_ADDRESSES))

export default createConfig({
  database: { kind: 'postgres', connectionString: must(process.env.DATABASE_URL) },
  chains: { bench: { id: Number(process.env.BENCH_CHAIN), rpc: must(process.env.BENCH_RPC), pollingInterval: 200 } },
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
