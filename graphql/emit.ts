import { writeFileSync } from 'node:fs'
import { printedSchema } from './schema.ts'

/** Writes `graphql/schema.graphql`: `node --import tsx graphql/emit.ts`. */
writeFileSync(new URL('schema.graphql', import.meta.url), printedSchema())
