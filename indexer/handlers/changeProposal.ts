import { Proposal } from '#schema/onchain/governance.ts'
import type { Rows, Values } from '../store/rows.ts'

type Stored = Readonly<Values<Proposal>>

/** Writes values of a proposal that differ from what it has. Where none does, there is no new version: whoever votes without weight makes the index no larger. */
export function changeProposal(rows: Rows, proposal: Stored, values: Partial<Stored>) {
  for (const name in values)
    if (!isSame(proposal[name as keyof Stored], values[name as keyof Stored])) {
      rows.put(Proposal, { ...proposal, ...values })
      return
    }
}

const isSame = (left: unknown, right: unknown) =>
  left instanceof Date && right instanceof Date ? left.getTime() === right.getTime() : left === right
