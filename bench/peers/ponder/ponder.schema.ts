import { index, onchainTable } from 'ponder'

/** The tables of ours that the benchmark's events fill, without versions: an event, a vote, a proposal's tally. */
export const chainEvent = onchainTable(
  'chain_event',
  (t) => ({
    id: t.text().primaryKey(),
    block: t.integer().notNull(),
    contract: t.text().notNull(),
    name: t.text().notNull(),
    args: t.jsonb().notNull(),
    address: t.text().notNull(),
    transactionHash: t.text().notNull(),
    logIndex: t.integer().notNull(),
    timestamp: t.timestamp({ withTimezone: true }).notNull(),
  }),
  (table) => ({
    block: index().on(table.block),
    contract: index().on(table.contract),
    name: index().on(table.name),
    transactionHash: index().on(table.transactionHash),
  }),
)

export const vote = onchainTable(
  'vote',
  (t) => ({
    id: t.text().primaryKey(),
    proposalId: t.text().notNull(),
    voter: t.text().notNull(),
    support: t.integer().notNull(),
    weight: t.bigint().notNull(),
    reason: t.text().notNull(),
    castAt: t.timestamp({ withTimezone: true }).notNull(),
  }),
  (table) => ({ proposalId: index().on(table.proposalId), voter: index().on(table.voter) }),
)

export const proposal = onchainTable('proposal', (t) => ({
  id: t.text().primaryKey(),
  againstVotes: t.bigint().notNull(),
  forVotes: t.bigint().notNull(),
  abstainVotes: t.bigint().notNull(),
}))
