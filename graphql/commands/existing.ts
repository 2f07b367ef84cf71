import type { Sql } from '#schema/database.ts'
import type { EntityClass } from '#schema/define.ts'
import type { JobInput, JobKind } from '#schema/jobs.ts'
import { Receipt } from '#schema/offchain/attribution.ts'
import { Datanet } from '#schema/onchain/datanets.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Model, ModelVersion } from '#schema/onchain/models.ts'
import { ApiError } from '../errors.ts'
import { naming, tableFor } from '../publicTables.ts'

/** The entity that an input field refers to. */
const ENTITY_BY_FIELD: Record<string, EntityClass> = {
  modelId: Model,
  datanetId: Datanet,
  versionId: ModelVersion,
  parentVersionId: ModelVersion,
  endpointId: Endpoint,
  receiptId: Receipt,
  disputeId: Dispute,
}

/** Checks that every entity the input refers to exists, before anything is written.
 *  @throws ApiError that names the missing entity. */
export async function requireExisting<K extends JobKind>(sql: Sql, input: JobInput<K>): Promise<void> {
  for (const [field, id] of Object.entries(input)) {
    const entity = ENTITY_BY_FIELD[field]
    if (!entity || id === undefined) continue
    const table = tableFor(entity)
    const present = table.versioned ? 'and to_block is null' : ''
    const { rowCount } = await sql.query(`select 1 from "${table.table}" where id = $1 ${present} limit 1`, [id])
    if (rowCount) continue
    const code = `UNKNOWN_${table.name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}`
    throw new ApiError(
      code,
      `${field}: there is no ${table.name} ${id}. Query \`${naming(table).many}\` for the indexed ones. One that was just written on chain may take a few seconds to appear.`,
    )
  }
}
