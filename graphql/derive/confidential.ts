import { FieldResolver, getMetadataStorage } from 'type-graphql'
import type { EntityClass, TableDefinition } from '#schema/define.ts'
import { confidentialColumns, mayRead } from '../confidential.ts'
import type { ApiContext } from '../context.ts'
import type { LoadedRow } from '../query/page.ts'
import { declareMethod } from './declare.ts'

/** Adds resolvers to `owner` that return null for the confidential fields of `table` when the caller may not read them. */
export function declareConfidential(owner: EntityClass, table: TableDefinition): void {
  for (const property of confidentialColumns(table)) {
    const field = getMetadataStorage().fields.find((one) => one.target === table.entity && one.name === property)
    if (!field) continue
    field.typeOptions.nullable = true
    field.description = `${field.description} Null unless the caller may read it: the consumer, operators, and everybody once the consumer has opened it.`
    declareMethod(
      owner,
      property,
      FieldResolver(field.getType as () => typeof String, { nullable: true }),
      [],
      (_, { root, context }: { root: LoadedRow; context: ApiContext }) =>
        mayRead(context.caller, table, root, property) ? root[property] : null,
    )
  }
}
