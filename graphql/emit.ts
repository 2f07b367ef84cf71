import { writeFileSync } from 'node:fs'
import { introspectionText } from './introspectionText.ts'
import { printedSchema } from './schema.ts'

/** Writes `graphql/schema.graphql`, and the schema's types for the client: `npm run schema`. */
writeFileSync(new URL('schema.graphql', import.meta.url), printedSchema())
writeFileSync(new URL('../client/generated/introspection.ts', import.meta.url), introspectionText())
