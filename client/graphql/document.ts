import type { initGraphQLTada } from 'gql.tada'
import type { introspection } from '../generated/introspection.ts'

interface SchemaSetup {
  introspection: introspection
  disableMasking: true
  scalars: {
    BigInt: string
    Clock: number
    DateTimeISO: string
    // biome-ignore lint/suspicious/noExplicitAny: the shape of a job's result depends on its kind
    JSONObject: any
  }
}

/** A query as the client sends it: only its text. */
const documentOf = (text: string, fragments: { loc: { source: { body: string } } }[] = []) => ({
  kind: 'Document',
  definitions: [],
  loc: { source: { body: [text, ...fragments.map(({ loc }) => loc.source.body)].join('\n') } },
})

/**
 * Writes a GraphQL query whose variables and result have the types of the API's schema. The types are those of gql.tada; its code, a parser, is not
 * needed.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { graphql, type ResultOf } from '#client/index.ts'
 *
 * const query = graphql('query ($id: ID!) { model(id: $id) { liveVersionId } }')
 * const result: ResultOf<typeof query> = { model: { liveVersionId: '3' } }
 * assert.equal(result.model?.liveVersionId, '3')
 * ```
 */
export const graphql = documentOf as unknown as ReturnType<typeof initGraphQLTada<SchemaSetup>>

export type { ResultOf, TadaDocumentNode, VariablesOf } from 'gql.tada'
