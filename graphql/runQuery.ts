import { type DocumentNode, execute } from 'graphql'
import type { Caller } from './access.ts'
import { contextOf, type Services } from './context.ts'
import { apiSchema } from './schema.ts'

/** Runs one of this program's own queries, with the rights of a caller: what a query over HTTP answers, without the limits on what strangers write.
 *  @throws ApiError and the other errors of resolvers. */
export async function runQuery(
  services: Services,
  caller: Caller,
  document: DocumentNode,
  variables: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const { data, errors } = await execute({
    schema: apiSchema(),
    document,
    variableValues: variables,
    contextValue: contextOf(services, caller),
  })
  const [error] = errors ?? []
  if (error) throw error.originalError ?? error
  return data as Record<string, unknown>
}
