import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkEpoch } from '#epochs/checkEpoch.ts'
import { computeEpoch } from '#epochs/epoch.ts'
import type { EpochSources } from '#epochs/epochSources.ts'
import { storePages } from '#epochs/mapPages.ts'
import { localStore } from '#schema/artifacts/index.ts'
import { type Database, openDatabase } from '#schema/database.ts'
import { putDocument, weighedManifest } from '#schema/documents.ts'
import { migrate } from '#schema/migrate.ts'
import { Block, ChainEvent, Cursor } from '#schema/onchain/chain.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { Endpoint, Redemption } from '#schema/onchain/market.ts'
import { Model, ModelVersion, RewardSplit } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { startPostgres } from '#schema/postgres.ts'
import { rewardMapDocument } from '#schema/rewardMapDocument.ts'
import { accountSql, fillTable } from '../fillTable.ts'

const CHAIN_ID = 31_337
export const LAST_EPOCH = 2
const BLOCKS_OF_EPOCH = 20

const account = (n: number) => `0x${n.toString(16).padStart(40, '0')}` as const
const [distributor, treasury] = [account(99), account(98)]

/** Writes the index of a chain on which so many contributors gave one sample each to one version, which earned fees in two epochs, and publishes the
 *  maps of both: the second starts from the leaves of the first. Returns what a stranger has who checks them. */
async function largeEpochs(db: Database, folder: string, accounts: number): Promise<EpochSources> {
  const artifacts = localStore(join(folder, 'artifacts'))
  const manifestHash = await putDocument(artifacts, weighedManifest, {
    evidence: [],
    weights: Array.from({ length: accounts }, (_, n) => ({
      contributionId: String(n + 1),
      weight: String(1 + ((n * 7919) % 1_000_003)),
    })),
  })
  await fillTable(db, Block, 3 * BLOCKS_OF_EPOCH, { id: 'n::text', number: 'n', final: 'true' })
  await fillTable(db, Cursor, 1, { id: `'${CHAIN_ID}'`, block: `${3 * BLOCKS_OF_EPOCH}` })
  await fillTable(db, ChainEvent, 1, { contract: `'RewardDistributor'`, address: `'${distributor}'` })
  await fillTable(db, Model, 1, { proposer: accountSql('97') })
  const shares = { platform: '500', owner: '2000', data: '5000', host: '3000', dataByWeight: '10000' }
  await fillTable(db, RewardSplit, 1, shares)
  await fillTable(db, ModelVersion, 1, { manifestHash: `'${manifestHash}'` })
  await fillTable(db, Endpoint, 1, { host: accountSql('96') })
  await fillTable(db, Contribution, accounts, { contributor: accountSql('n + 1000'), status: `'Accepted'` })
  await fillTable(db, Redemption, LAST_EPOCH, {
    epoch: 'n',
    amount: `1e24::numeric + n`,
    fromBlock: `n * ${BLOCKS_OF_EPOCH}`,
  })
  await fillTable(db, RewardMap, LAST_EPOCH, { epoch: 'n', lastBlock: `n * ${BLOCKS_OF_EPOCH}` })
  await db.query('vacuum analyze')
  const sources: EpochSources = {
    sql: db,
    artifacts,
    deployment: { chainId: CHAIN_ID, addresses: { RewardDistributor: distributor, Treasury: treasury } },
    blockHash: async (block) => `0x${block.toString(16).padStart(64, '0')}`,
  }
  for (let epoch = 1; epoch <= LAST_EPOCH; epoch++) {
    const map = await computeEpoch(sources, { epoch, usage: [], absent: [] })
    const uri = await putDocument(artifacts, rewardMapDocument, await storePages(artifacts, map))
    await db.query(
      `update reward_map set status = 'Published', root = $2, total = $3, uri = $4, block_hash = $5, first_block = $6 where epoch = $1`,
      [epoch, map.root, map.total, uri, map.blockHash, map.fromBlock],
    )
  }
  return sources
}

/** Gives `work` an index with two epochs that each pay so many accounts, which is deleted afterwards. */
export async function inIndex<T>(accounts: number, work: (sources: EpochSources) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-rewards-'))
  await chmod(folder, 0o755) // PostgreSQL runs as another user
  const server = await startPostgres(join(folder, 'postgres'), { flags: { fsync: 'off', max_wal_size: '8GB' } })
  try {
    await migrate(server.url)
    const db = await openDatabase(server.url)
    const sources = await largeEpochs(db, folder, accounts)
    console.log('Two epochs are published.')
    return await work(sources).finally(() => db.close())
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** @throws Error unless the last map is right */
export async function requireRight(sources: EpochSources): Promise<void> {
  const { difference } = await checkEpoch(sources, LAST_EPOCH)
  if (difference) throw new Error(`The recomputed map differs at ${difference.place}.`)
}
