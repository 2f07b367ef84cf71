import { type Config, ConfigError } from '#config'
import { type Database, openDatabase } from '#schema/database.ts'
import {
  apiIndex,
  type ComparableIndex,
  compareIndexes,
  databaseIndex,
  type IndexComparison,
} from './compareIndexes.ts'
import { configuredChain } from './configuredChain.ts'
import { withFreshIndex } from './freshIndex.ts'
import { type GovernorOptions, namesGovernors } from './governors.ts'
import { configFor, type IndexTarget, indexTargets } from './indexCommand.ts'
import { withDatabase } from './withDatabase.ts'

export interface VerifyIndexOptions extends Pick<GovernorOptions, 'config' | 'chain'> {
  against?: string
  clean?: boolean
}

/** `modelcommons verify index --against URL | --clean`. Exits with 1 when the indexes differ. */
export async function verifyIndex(options: VerifyIndexOptions): Promise<void> {
  if (!options.against === !options.clean)
    throw new ConfigError(
      'verify index: give either --against URL (another instance) or --clean (a fresh sync of the chain).',
    )
  const config = configFor(options)
  const compare = async (db: Database, following?: IndexTarget) => {
    const { rows } = await db.query('select id, contracts, block from cursor')
    if (!rows[0]) throw new ConfigError('DATABASE_URL: nothing is indexed there yet. Run `modelcommons index` first.')
    const chainId = Number(rows[0].id)
    const { contracts, block } = rows[0]
    const withOther = (other: ComparableIndex) => compareIndexes(db, chainId, contracts, other)
    if (options.against) return withOther(apiIndex(options.against))
    const { finality } = config
    return withFreshIndex({ finality, ...(following ?? (await fromEnvironment(config))) }, block, (fresh) =>
      withOther(databaseIndex(fresh, chainId, contracts)),
    )
  }
  if (!namesGovernors(options)) return tell(await withDatabase(config, (db) => compare(db)))
  const [following, ...others] = await indexTargets(options, config)
  if (others.length)
    throw new ConfigError('--chain: required, because the file has several chains: name the one to verify.')
  if (!following) return
  const db = await openDatabase(following.databaseUrl)
  try {
    tell(await compare(db, following))
  } finally {
    await db.close()
  }
}

async function fromEnvironment(config: Config) {
  const { rpcUrls: rpcUrl, deployment } = await configuredChain(config)
  return { rpcUrl, confirmations: config.confirmations, deployment }
}

function tell({ block, root, difference }: IndexComparison) {
  if (!difference) return console.log(`The indexes are the same up to block ${block}: state root ${root}`)
  const { table, id, column, says } = difference
  const place = [table && `table ${table}`, id !== undefined && `row ${id}`, column && `column ${column}`].filter(
    Boolean,
  )
  console.error(
    `The indexes differ from block ${difference.block}${place.length ? `, ${place.join(', ')}` : ''}: ${says}.`,
  )
  process.exitCode = 1
}
