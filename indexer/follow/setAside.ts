import type { ContractName } from '#contracts/events.ts'
import { QUORUM_CHANGED } from '#rules/storedProposal.ts'
import type { Sql } from '#schema/database.ts'
import { SetAsideContract } from '#schema/onchain/chain.ts'
import { Governor } from '#schema/onchain/governance.ts'
import { rowsOf } from '#schema/rows.ts'
import type { BlockRange } from '../chain/blockRange.ts'
import type { UnfitEvent } from '../handlers/steps.ts'
import type { Log } from '../rpc/answers.ts'
import type { Rows } from '../store/rows.ts'

interface Aside {
  contract: ContractName
  block: number
  logIndex: number
  reason: string
}

interface Step {
  block: number
  run: () => void
}

/** Contracts of others with an event that cannot be indexed: from its block on, nothing of them is, and everything else goes on. Which contract is
 *  set aside, and from which block on, depends on the chain alone. */
export class SetAside {
  private readonly contracts = new Map<string, Aside>()

  /** @param own the contracts of the deployment itself, which are never set aside. */
  constructor(private readonly own: ReadonlySet<string>) {}

  get size() {
    return this.contracts.size
  }

  /** @returns whether the contract of the event is set aside from now on. */
  add({ address, contract, block, logIndex, message: reason }: UnfitEvent): boolean {
    if (this.own.has(address)) return false
    this.contracts.set(address, { contract, block, logIndex, reason })
    return true
  }

  private readonly isIndexed = ({ address, block }: Log) => block < (this.contracts.get(address)?.block ?? block + 1)

  /** The logs that are indexed. */
  logsOf = (logs: Log[]): Log[] => (this.size ? logs.filter(this.isIndexed) : logs)

  /** The steps of a range's events, with those that store which contracts are set aside at the beginning of their blocks. */
  among(steps: readonly Step[], { from, to }: BlockRange, rows: Rows): readonly Step[] {
    const own = [...this.contracts]
      .filter(([, { block }]) => from <= block && block <= to)
      .map(([address, aside]) => ({ block: aside.block, run: () => store(rows, address, aside) }))
    return own.length ? [...own, ...steps].sort((a, b) => a.block - b.block) : steps
  }

  /** Returns to the contracts that the database holds. */
  async restore(sql: Sql) {
    this.contracts.clear()
    for (const { id, fromBlock, ...aside } of await rowsOf(sql, SetAsideContract))
      this.contracts.set(id, { ...aside, contract: aside.contract as ContractName, block: fromBlock })
  }
}

function store(rows: Rows, address: string, { contract, logIndex, reason }: Aside) {
  rows.put(SetAsideContract, { id: address, contract, logIndex, reason })
  for (const governor of rows.find(Governor, 'token', address))
    if (governor.quorumUnknown !== QUORUM_CHANGED) rows.put(Governor, { ...governor, quorumUnknown: reason })
  for (const governor of rows.find(Governor, 'timelock', address))
    rows.put(Governor, { ...governor, unfollowed: reason })
  if (rows.get(Governor, address)) rows.change(Governor, address, { unfollowed: reason })
}
