import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { schemaDrift } from '../dataSource.ts'
import { migrate } from '../migrate.ts'
import { startPostgres } from '../postgres.ts'

/** `npm run migration -- Name` writes the migration that brings the newest schema to the entity classes, and lists it. */
const name = process.argv[2]
if (!name || !/^[A-Z]\w+$/.test(name)) {
  console.error('Usage: npm run migration -- NameInPascalCase')
  process.exit(2)
}
const folder = await mkdtemp(join(tmpdir(), 'modelcommons-migration-'))
const server = await startPostgres(folder)
try {
  await migrate(server.url)
  const statements = await schemaDrift(server.url)
  if (statements.length === 0) {
    console.log('Nothing to migrate: the classes and the migrations agree.')
  } else {
    const here = new URL('.', import.meta.url).pathname
    const files = (await readdir(here)).filter((file) => /^\d{4}-.*\.ts$/.test(file))
    const order = String(Math.max(0, ...files.map((file) => Number(file.slice(0, 4)))) + 1).padStart(4, '0')
    const file = `${order}-${name}.ts`
    const body = statements
      .map((statement) => `    await query.query(\`${statement.trim().replaceAll('`', '\\`')}\`)`)
      .join('\n')
    await writeFile(
      join(here, file),
      `import type { QueryRunner } from 'typeorm'\nimport { Migration } from './migration.ts'\n\nexport class ${name} extends Migration {\n  name = '${name}${String(1_700_000_000_000 + Number(order))}'\n  override compatible = false // true when docs/upgrades.md allows it\n\n  async up(query: QueryRunner) {\n${body}\n  }\n}\n`,
    )
    const all = [...files, file].sort().map((entry) => ({ entry, name: entry.slice(5, -3) }))
    await writeFile(
      join(here, 'index.ts'),
      `${all.map((one) => `import { ${one.name} } from './${one.entry}'`).join('\n')}\nimport type { Migration } from './migration.ts'\n\nexport type { Migration }\n\n/** Oldest first; written by \`npm run migration\`. */\nexport const migrations: (new () => Migration)[] = [${all.map((one) => one.name).join(', ')}]\n`,
    )
    console.log(`Wrote schema/migrations/${file}: ${statements.length} statements.`)
  }
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
