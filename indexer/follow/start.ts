import type { Database } from '#schema/database.ts'
import { headerAt } from '../chain/blockRange.ts'
import type { Source } from '../chain/source.ts'
import type { FollowedDeployment, ResolvedDeployment } from '../deployment.ts'
import { InconsistentChain, IndexerError } from '../errors.ts'
import type { GovernorFacts } from '../governors/probe.ts'
import type { Logger } from '../options.ts'
import type { Rpc } from '../rpc/rpc.ts'
import { createCursor, type Position, readCursor } from '../store/cursor.ts'
import { storeFacts } from './askedBlocks.ts'

/** What must be true before the indexer starts, and where it starts. */

/** @throws IndexerError when the node serves another chain. */
export async function requireChain(rpc: Rpc, chainId: number): Promise<void> {
  const answer = await rpc.request('eth_chainId')
  if (typeof answer !== 'string' || !/^0x[0-9a-f]+$/i.test(answer))
    throw new InconsistentChain('RPC_URL: the node answered eth_chainId with something that is no chain id')
  const actual = Number(answer)
  if (actual !== chainId)
    throw new IndexerError(
      `RPC_URL leads to chain ${actual}, but the contracts are on chain ${chainId}. Correct RPC_URL or the deployment.`,
    )
}

/** @throws IndexerError when the node's chain has the id of the indexed one, but another history from the first final block on. */
export async function requireHistory(db: Database, rpc: Rpc, chainId: number): Promise<void> {
  const { rows } = await db.query(
    'select number, hash from block where final and exists (select 1 from cursor where id = $1) order by number limit 1',
    [String(chainId)],
  )
  if (!rows[0]) return
  const { number, hash } = rows[0] as { number: number; hash: string }
  const now = await headerAt(rpc, number)
  if (now && now.hash !== hash)
    throw new IndexerError(
      `RPC_URL leads to another chain than the indexed one, though both have the id ${chainId}: block ${number} is ${now.hash} there, ${hash} here. Correct RPC_URL, or use an empty database (DATABASE_URL).`,
    )
}

/** @throws IndexerError when a Governor was indexed with another clock than its contract has: its proposals' times were misread. */
export async function requireClocks(db: Database, { governances }: ResolvedDeployment): Promise<void> {
  const { rows } = await db.query<{ id: string; clock: string }>(
    'select id, clock from governor where to_block is null',
  )
  for (const { id, clock } of rows) {
    const now = governances.profile(id)?.clock
    if (now !== undefined && now !== clock)
      throw new IndexerError(
        `The Governor ${id} was indexed with the clock ${clock}, but its contract has the clock ${now}. Index again into an empty database (DATABASE_URL), or correct the clock in the configuration.`,
      )
  }
}

/** The position to start from: the cursor, which is created at the block before the deployment if there is none.
 *  @throws IndexerError when the start block is in the future, or the database holds the index of something else. */
export async function startPosition(
  db: Database,
  source: Source,
  { chainId, contracts, startBlock }: ResolvedDeployment,
  facts: GovernorFacts = {},
): Promise<Position> {
  const stored = await readCursor(db, chainId, contracts)
  if (stored) {
    await storeFacts(db, chainId, facts, false)
    return stored
  }
  const { head } = await source.tip(startBlock - 1)
  if (startBlock > head.number + 1)
    throw new IndexerError(
      `The deployment's start block ${startBlock} is in the future: chain ${chainId} is at block ${head.number}. Correct startBlock, or RPC_URL.`,
    )
  const [base] = await source.headers([startBlock - 1])
  if (!base)
    throw new IndexerError(
      `The node has no block ${startBlock - 1}, from which indexing would start: use an archive node.`,
    )
  await createCursor(db, chainId, base, head.number, contracts, facts)
  const created = await readCursor(db, chainId, contracts)
  if (!created) throw new Error('The cursor was created, but cannot be read: was the database emptied meanwhile?')
  return created
}

/** Tells what of the Governors is not known, and so which states are null, with their configured names. */
export async function tellGaps(
  db: Database,
  { chainId, governors = [] }: FollowedDeployment,
  configured: FollowedDeployment,
  log?: Logger,
) {
  const names = new Map(configured.governors?.map(({ address, name }) => [address.toLowerCase(), name]))
  const tell = (governor: string, problem: string) =>
    log?.warn(
      { chainId, governor, name: names.get(governor.toLowerCase()), problem },
      'Where the state of a proposal depends on this, it is null',
    )
  for (const { address, token } of governors)
    if (token === null) tell(address, 'It names no votes token, and none is configured: name it, if it has one.')
  const { rows } = await db.query<{ id: string; problem: string }>(
    'select id, coalesce(unfollowed, quorum_unknown) as problem from governor where to_block is null and coalesce(unfollowed, quorum_unknown) is not null',
  )
  for (const { id, problem } of rows) tell(id, problem)
}
