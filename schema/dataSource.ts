import {
  DataSource,
  DefaultNamingStrategy,
  type QueryRunner,
  type ReplicationMode,
  type Logger as TypeormLogger,
} from 'typeorm'
import { expressionIndexes } from './define.ts'
import { entities } from './entities.ts'
import { migrations } from './migrations/index.ts'
import { sequential } from './sequential.ts'

/** TypeORM compares tables with classes by several statements at once on one connection, which `pg` will no longer allow. This data source
 *  sends them one after the other. */
class SequentialDataSource extends DataSource {
  override createQueryRunner(mode?: ReplicationMode): QueryRunner {
    const runner = super.createQueryRunner(mode)
    runner.query = sequential(runner.query.bind(runner))
    return runner
  }
}

const nothing = () => {}
/** TypeORM would print failed migrations on standard output; their errors are thrown, too. */
const SILENT: TypeormLogger = {
  logQuery: nothing,
  logQueryError: nothing,
  logQuerySlow: nothing,
  logSchemaBuild: nothing,
  logMigration: nothing,
  log: nothing,
}

/** TypeORM's view of the entity classes. It is used only for migrations and for finding drift; queries go through `Database`. */
export const dataSource = (url: string) =>
  new SequentialDataSource({
    type: 'postgres',
    url,
    entities,
    migrations,
    namingStrategy: new DefaultNamingStrategy(),
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    logger: SILENT,
  })

/** The statements that would change the database at `url` to match the entity classes; empty when they already match. */
export async function schemaDrift(url: string): Promise<string[]> {
  const source = await dataSource(url).initialize()
  try {
    const rows: { name: string }[] = await source.query('select indexname as name from pg_indexes')
    const known = new Set(rows.map(({ name }) => name))
    const missing = [...expressionIndexes].filter(([name]) => !known.has(name))
    return [
      ...(await source.driver.createSchemaBuilder().log()).upQueries.map((statement) => statement.query),
      ...missing.map(([, statement]) => statement),
    ]
  } finally {
    await source.destroy()
  }
}
