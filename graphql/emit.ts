import { writeFileSync } from 'node:fs'
import { printedSchema } from './schema.ts'

/** Writes `graphql/schema.graphql`: `npm run schema`. */
writeFileSync(new URL('schema.graphql', import.meta.url), printedSchema())
