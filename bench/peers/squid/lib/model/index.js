require('reflect-metadata')
const { Column, Entity, Index, PrimaryColumn } = require('typeorm')

/** The tables of ours that the benchmark's events fill, without versions: an event, a vote, a proposal's tally. */
const define = (name, columns) => {
  const entity = { [name]: class { constructor(values) { Object.assign(this, values) } } }[name]
  for (const [column, { index, ...options }] of Object.entries(columns)) {
    const decorate = column === 'id' ? PrimaryColumn(options) : Column(options)
    decorate(entity.prototype, column)
    if (index) Index()(entity.prototype, column)
  }
  Entity()(entity)
  return entity
}
const text = { type: 'text' }
const indexed = { type: 'text', index: true }
const wei = { type: 'numeric', transformer: { to: (value) => value?.toString(), from: (value) => value === null ? null : BigInt(value) } }

exports.ChainEvent = define('ChainEvent', {
  id: text,
  block: { type: 'int4', index: true },
  contract: indexed,
  name: indexed,
  args: { type: 'jsonb' },
  address: text,
  transaction_hash: indexed,
  log_index: { type: 'int4' },
  timestamp: { type: 'timestamptz' },
})
exports.Vote = define('Vote', {
  id: text,
  proposal_id: indexed,
  voter: indexed,
  support: { type: 'int4' },
  weight: wei,
  reason: text,
  cast_at: { type: 'timestamptz' },
})
exports.Proposal = define('Proposal', { id: text, against_votes: wei, for_votes: wei, abstain_votes: wei })
