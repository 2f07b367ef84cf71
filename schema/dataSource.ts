import { DataSource, DefaultNamingStrategy, type QueryRunner, type ReplicationMode } from 'typeorm'
import { withMigrationLock } from './advisoryLocks.ts'
import { openDatabase } from './database.ts'
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
    logging: false,
  })

/** Migrates the database at `url` to the newest schema. Several processes may call it at once.
 *  @throws DatabaseError when no server answers. */
export async function migrate(url: string): Promise<string[]> {
  await (await openDatabase(url, { max: 1 })).close()
  const source = await dataSource(url).initialize()
  try {
    const session = source.createQueryRunner()
    try {
      const ran = await withMigrationLock(
        (statement) => session.query(statement),
        () => source.runMigrations(),
      )
      return ran.map(({ name }) => name)
    } finally {
      await session.release()
    }
  } finally {
    await source.destroy()
  }
}

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
