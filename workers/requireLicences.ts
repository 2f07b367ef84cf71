import { trainingConflict } from '#rules/licences.ts'
import type { Sql } from '#schema/database.ts'
import type { Specification } from '#schema/documents.ts'
import { Datanet } from '#schema/onchain/datanets.ts'
import { rowsOf } from '#schema/rows.ts'
import { JobError } from './job.ts'

/** @throws JobError unless what is under the licences of the base model and of these datanets may become part of the model. */
export async function requireLicences(
  sql: Sql,
  { licence, baseLicence }: Pick<Specification, 'licence' | 'baseLicence'>,
  datanetIds: readonly string[],
): Promise<void> {
  const datanets = await rowsOf(sql, Datanet, 'id = any($1)', [datanetIds], { orderBy: 'id::numeric' })
  const conflict = trainingConflict({ model: licence, base: baseLicence, data: datanets.map((one) => one.licence) })
  if (conflict !== null)
    throw new JobError(
      'LICENCE_CONFLICT',
      `${conflict} The model would be under ${licence}. Propose a model under a licence that fits, or collect data in a datanet that does.`,
    )
}
