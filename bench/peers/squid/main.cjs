const { EvmBatchProcessor } = require('@subsquid/evm-processor')
const { TypeormDatabase } = require('@subsquid/typeorm-store')
const { DataSource, In } = require('typeorm')
const model = require('./lib/model/index.js')

/** Stock evm-processor over RPC into stock typeorm-store, as its documentation writes a processor: one insert an entity a batch. */
const { rpcUrl, databaseUrl, addresses, finality, topics, toBlock } = JSON.parse(process.argv[2])
process.env.DB_URL = databaseUrl
const { ChainEvent, Vote, Proposal } = model
const processor = new EvmBatchProcessor()
  .setRpcEndpoint({ url: rpcUrl, capacity: 10, maxBatchCallSize: 100 })
  .setRpcDataIngestionSettings({ headPollInterval: 500, newHeadTimeout: 0 })
  .setFinalityConfirmation(finality)
  .setBlockRange({ from: 1, to: toBlock })
  .setFields({ log: { topics: true, data: true, transactionHash: true } })
  .addLog({ address: Object.values(addresses), topic0: Object.values(topics) })
const account = (topic) => `0x${topic.slice(26)}`
const pad = (value, digits) => String(value).padStart(digits, '0')
const TALLY = ['against_votes', 'for_votes', 'abstain_votes']

function argsOf(log) {
  const word = (index) => log.data.slice(2 + 64 * index, 66 + 64 * index)
  if (log.topics[0] === topics.approval)
    return { owner: account(log.topics[1]), spender: account(log.topics[2]), value: BigInt(`0x${word(0)}`).toString() }
  const length = Number(`0x${word(4)}`)
  return {
    voter: account(log.topics[1]),
    proposalId: BigInt(`0x${word(0)}`).toString(),
    support: String(Number(`0x${word(1)}`)),
    weight: BigInt(`0x${word(2)}`).toString(),
    reason: Buffer.from(log.data.slice(2 + 64 * 5, 2 + 64 * 5 + 2 * length), 'hex').toString(),
  }
}

async function migrate() {
  const source = new DataSource({ type: 'postgres', url: databaseUrl, entities: Object.values(model), synchronize: true })
  await source.initialize()
  await source.destroy()
}

migrate().then(() =>
  processor.run(new TypeormDatabase({ supportHotBlocks: true }), async ({ blocks, store }) => {
    const events = []
    const votes = []
    const tallies = new Map()
    for (const { header, logs } of blocks)
      for (const log of logs) {
        const args = argsOf(log)
        const vote = log.topics[0] === topics.vote
        const timestamp = new Date(header.timestamp)
        events.push(
          new ChainEvent({
            id: `${pad(header.height, 12)}-${pad(log.logIndex, 6)}`,
            block: header.height,
            contract: vote ? 'ModelGovernor' : 'GOpen',
            name: vote ? 'VoteCast' : 'Approval',
            args,
            address: log.address,
            transaction_hash: log.transactionHash,
            log_index: log.logIndex,
            timestamp,
          }),
        )
        if (!vote) continue
        const support = Number(args.support)
        votes.push(
          new Vote({
            id: `${args.proposalId}-${args.voter}`,
            proposal_id: args.proposalId,
            voter: args.voter,
            support,
            weight: BigInt(args.weight),
            reason: args.reason,
            cast_at: timestamp,
          }),
        )
        const tally = tallies.get(args.proposalId) ?? [0n, 0n, 0n]
        tally[support] += BigInt(args.weight)
        tallies.set(args.proposalId, tally)
      }
    await store.insert(events)
    if (!votes.length) return
    await store.insert(votes)
    const ids = [...tallies.keys()]
    const known = new Map((await store.findBy(Proposal, { id: In(ids) })).map((proposal) => [proposal.id, proposal]))
    await store.upsert(
      ids.map((id) => {
        const before = known.get(id)
        const values = TALLY.map((name, index) => [name, (before?.[name] ?? 0n) + tallies.get(id)[index]])
        return new Proposal({ id, ...Object.fromEntries(values) })
      }),
    )
  }),
)
