import { type Address, type Hex, hashTypedData } from 'viem'
import { MAX_SAMPLE_BYTES, parseSample, SampleError } from '#rules/sample.ts'
import { withdrawalData } from '#rules/signing.ts'
import { ArtifactError, type ArtifactStore } from '#schema/artifacts/index.ts'
import type { Database } from '#schema/database.ts'
import { DataWithdrawal, Takedown } from '#schema/offchain/removals.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { rowOf, rowsOf } from '#schema/rows.ts'
import type { Services } from '../context.ts'
import { ApiError } from '../errors.ts'
import { SIGNATURE } from '../signature.ts'

export const MAX_REMOVAL_REASON = 500

/** Takes a sample down; a second takedown changes nothing. Only a sample: whoever could take down a manifest, a usage document or a reward map could bend
 *  what follows from it. @throws ApiError when nobody contributed it, or it is something else. */
export async function takeDown(
  { db, artifacts }: { db: Database; artifacts: ArtifactStore },
  { contentHash, actor, reason }: { contentHash: string; actor: string; reason: string },
): Promise<Takedown> {
  const name = contentHash.toLowerCase()
  requireReason(reason)
  if ((await rowsOf(db, Contribution, 'content_hash = $1', [name])).length === 0)
    throw new ApiError(
      'UNKNOWN_SAMPLE',
      `contentHash: no contribution has the sample ${name}. Query \`contributions { nodes { contentHash } }\`.`,
    )
  await requireSample(artifacts, name)
  await db.query(
    `insert into takedown (id, actor, reason, at) values ($1, $2, $3, clock_timestamp())
     on conflict (id) do update set actor = excluded.actor, reason = excluded.reason, at = excluded.at,
       lifted_by = null, lift_reason = null, lifted_at = null where takedown.lifted_at is not null`,
    [name, actor, reason],
  )
  return found(await rowOf(db, Takedown, name), name)
}

/** Serves a sample again; the record stays. @throws ApiError when it is not taken down. */
export async function liftTakedown(
  db: Database,
  { contentHash, actor, reason }: { contentHash: string; actor: string; reason: string },
): Promise<Takedown> {
  const name = contentHash.toLowerCase()
  requireReason(reason)
  await db.query(
    `update takedown set lifted_by = $2, lift_reason = $3, lifted_at = clock_timestamp() where id = $1 and lifted_at is null`,
    [name, actor, reason],
  )
  return found(await rowOf(db, Takedown, name), name)
}

/** Withdraws contributions for their contributor; those that are withdrawn already stay as they are, unless a reorganisation has given their ids to others.
 *  It cannot be undone, so that no key of the API is enough: a thief could take all that its account gave out of every dataset to come.
 *  @throws ApiError unless all of them are of one account, which signed. */
export async function recordWithdrawal(
  {
    db,
    chainId,
    registry,
    verifySignature,
  }: Pick<Services, 'db' | 'verifySignature'> & { chainId: number; registry: string },
  { ids, reason, signature }: { ids: readonly string[]; reason: string; signature: string },
): Promise<DataWithdrawal[]> {
  requireReason(reason)
  const contributions = await rowsOf(db, Contribution, 'id = any($1)', [ids])
  const missing = ids.find((id) => !contributions.some((one) => one.id === id))
  if (missing !== undefined || ids.length === 0)
    throw new ApiError(
      'UNKNOWN_CONTRIBUTION',
      missing === undefined ? 'contributionIds is empty.' : `contributionIds: there is no contribution ${missing}.`,
    )
  const [contributor = '', ...others] = new Set(contributions.map((one) => one.contributor))
  if (others.length > 0)
    throw new ApiError('BAD_INPUT', 'The contributions are of several accounts. Each account withdraws its own.')
  const data = withdrawalData({ chainId, contract: registry as Hex }, { contributionIds: ids.map(BigInt), reason })
  const signed = { address: contributor as Address, hash: hashTypedData(data), signature: signature as Hex }
  if (!SIGNATURE.test(signature) || !(await verifySignature(signed)))
    throw new ApiError(
      'WRONG_SIGNER',
      `The signature is not that of ${contributor}, who gave the contributions, for exactly these ids and this reason.`,
    )
  await db.query(
    `insert into data_withdrawal (id, contribution_id, contributor, content_hash, reason, signature, at)
     select id, id, contributor, content_hash, $2, $3, clock_timestamp() from contribution where id = any($1) and to_block is null
     on conflict (id) do update set contributor = excluded.contributor, content_hash = excluded.content_hash, reason = excluded.reason,
       signature = excluded.signature, at = excluded.at
     where (data_withdrawal.contributor, data_withdrawal.content_hash) is distinct from (excluded.contributor, excluded.content_hash)`,
    [ids, reason, signature],
  )
  return rowsOf(db, DataWithdrawal, 'id = any($1)', [ids], { orderBy: 'id::numeric' })
}

function requireReason(reason: string): void {
  if (reason.trim() === '' || reason.length > MAX_REMOVAL_REASON)
    throw new ApiError('BAD_INPUT', `reason must have 1 to ${MAX_REMOVAL_REASON} characters.`)
}

async function requireSample(artifacts: ArtifactStore, name: string): Promise<void> {
  try {
    parseSample(new TextDecoder().decode(await artifacts.get(name, { maxBytes: MAX_SAMPLE_BYTES })))
  } catch (cause) {
    if (!(cause instanceof SampleError || cause instanceof ArtifactError)) throw cause
    throw new ApiError(
      'NOT_A_SAMPLE',
      `contentHash: the artifact ${name} is not in the store, or is no sample. Only samples can be taken down.`,
      { cause },
    )
  }
}

function found(row: Takedown | undefined, name: string): Takedown {
  if (!row) throw new ApiError('NOT_TAKEN_DOWN', `contentHash: the sample ${name} is not taken down.`)
  return row
}
