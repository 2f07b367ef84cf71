import type { Sql } from '#schema/database.ts'
import { VersionInfluence } from '#schema/offchain/attribution.ts'
import { JobRun } from '#schema/offchain/jobs.ts'
import { RewardLine } from '#schema/offchain/ledger.ts'
import { Contribution } from '#schema/onchain/datanets.ts'
import { FeedbackTask, Judgement } from '#schema/onchain/feedback.ts'
import { Proposal, Vote } from '#schema/onchain/governance.ts'
import { Endpoint } from '#schema/onchain/market.ts'
import { Evaluation, Model, ModelVersion } from '#schema/onchain/models.ts'
import { RewardMap } from '#schema/onchain/rewards.ts'
import { account, insertAll } from '#test/factory.ts'

/** One edge of the whole graph, and the block from which it exists. */
export interface GraphEdge {
  from: string
  to: string
  relation: string
  amount: string | null
  since: number
}

/** Inserts a random history of the blocks 1 to 20, and returns all its edges. `random(n)` is a whole number below `n`. */
export async function insertRandomLineage(db: Sql, random: (n: number) => number): Promise<GraphEdge[]> {
  const edges: GraphEdge[] = []
  const link = (from: string, relation: string, to: string, since: number, amount: bigint | number | null = null) =>
    edges.push({ from, to, relation, amount: amount === null ? null : String(amount), since })
  const many = <T>(length: number, make: (id: string) => T) => Array.from({ length }, (_, i) => make(String(i + 1)))
  const pick = <T>(rows: readonly T[]): T => rows[random(rows.length)] as T
  const after = (block: number) => block + random(Math.max(1, 20 - block))

  const proposals = many(2, (id) => ({ id, description: `proposal ${id}`, fromBlock: 1 + random(3) }))
  const votes = many(random(9), (id) => {
    const { id: proposalId, fromBlock } = pick(proposals)
    const vote = { id: `${proposalId}-${id}`, proposalId, weight: BigInt(random(3)), fromBlock: after(fromBlock) }
    link(`Vote:${vote.id}`, 'vote', `Proposal:${proposalId}`, vote.fromBlock, vote.weight)
    return vote
  })
  const models = many(3, (id) => {
    const { id: proposalId, fromBlock } = pick(proposals)
    const model = { id, proposalId, fromBlock: after(fromBlock) }
    link(`Proposal:${proposalId}`, 'proposal', `Model:${id}`, model.fromBlock)
    return model
  })
  const versions: { id: string; modelId: string; parentId: string | null; fromBlock: number }[] = []
  for (let id = 1; id <= 12; id++) {
    const [model, parent] = [pick(models), random(5) && versions.length ? pick(versions) : null]
    const fromBlock = after(Math.max(model.fromBlock, parent?.fromBlock ?? 0))
    versions.push({ id: String(id), modelId: model.id, parentId: parent?.id ?? null, fromBlock })
    link(`Model:${model.id}`, 'model', `ModelVersion:${id}`, fromBlock)
    if (parent) link(`ModelVersion:${parent.id}`, 'parent', `ModelVersion:${id}`, fromBlock)
  }
  const contributions = many(6, (id) => ({ id, contributor: account(Number(id)), fromBlock: 1 }))
  const influences = versions.flatMap((version) =>
    many(7, (contributionId) => ({ contributionId, weight: random(3) })) // the seventh does not exist any more
      .filter(() => random(2))
      .map(({ contributionId, weight }) => {
        if (contributionId !== '7')
          link(`Contribution:${contributionId}`, 'data', `ModelVersion:${version.id}`, version.fromBlock, weight)
        return { id: `${version.id}-${contributionId}`, versionId: version.id, contributionId, weight }
      }),
  )
  const runs = many(random(8), (id) => {
    const [kind, version] = [pick(['fineTune', 'rlhf', 'evaluate'] as const), pick(versions)]
    if (kind !== 'evaluate') link(`JobRun:job${id}`, 'run', `ModelVersion:${version.id}`, version.fromBlock)
    return { id: `job${id}`, kind, idempotencyKey: id, result: { versionId: version.id } }
  })
  const tasks = many(3, (id) => {
    const { id: versionId, fromBlock } = pick(versions)
    return { id, versionId, fromBlock: after(fromBlock) }
  })
  const judgements = many(random(12), (id) => {
    const task = pick(tasks)
    const judgement = {
      ...{ id: `${task.id}-${id}`, taskId: task.id, validator: account(Number(id)) },
      ...{ score: random(3) ? random(3) : null, fromBlock: after(task.fromBlock) },
    }
    link(
      `Judgement:${judgement.id}`,
      'feedback',
      `ModelVersion:${task.versionId}`,
      judgement.fromBlock,
      judgement.score,
    )
    return judgement
  })
  const evaluations = many(random(14), (id) => {
    const version = pick(versions)
    const evaluation = { id, versionId: version.id, score: BigInt(random(3)), fromBlock: after(version.fromBlock) }
    link(`ModelVersion:${version.id}`, 'evaluation', `Evaluation:${id}`, evaluation.fromBlock, evaluation.score)
    return evaluation
  })
  const endpoints = many(random(5), (id) => {
    const version = pick(versions)
    const endpoint = { id, versionId: version.id, fromBlock: after(version.fromBlock) }
    link(`ModelVersion:${version.id}`, 'endpoint', `Endpoint:${id}`, endpoint.fromBlock)
    return endpoint
  })
  const maps = [
    { id: '1', epoch: 1, status: 'Published' as const, fromBlock: 20 },
    { id: '2', epoch: 2, status: 'Open' as const, fromBlock: 20 },
  ]
  const paid = new Map<string, bigint>()
  const lines = many(random(20), (id) => {
    const [map, version, to, amount] = [pick(maps), pick(versions), account(1 + random(3)), BigInt(random(4))]
    const key = `ModelVersion:${version.id} Account:${to}`
    if (map.status === 'Published') paid.set(key, (paid.get(key) ?? 0n) + amount)
    const source = pick([`version:${version.id}`, 'contribution:1'])
    const inputs: Record<string, string> = source.startsWith('v') && random(2) ? {} : { versionId: version.id }
    return { id: `${map.id}-${id}`, mapId: map.id, account: to, source, amount, inputs }
  })
  for (const [key, amount] of paid) {
    const [from = '', to = ''] = key.split(' ')
    link(from, 'revenue', to, 20, amount)
  }

  await insertAll(db, Proposal, proposals)
  await insertAll(db, Vote, votes)
  await insertAll(db, Model, models)
  await insertAll(db, ModelVersion, versions)
  await insertAll(db, Contribution, contributions)
  await insertAll(db, VersionInfluence, influences)
  await insertAll(db, JobRun, runs)
  await insertAll(db, FeedbackTask, tasks)
  await insertAll(db, Judgement, judgements)
  await insertAll(db, Evaluation, evaluations)
  await insertAll(db, Endpoint, endpoints)
  await insertAll(db, RewardMap, maps)
  await insertAll(db, RewardLine, lines)
  return edges
}

const EFFECTS = ['evaluation', 'endpoint', 'revenue']

/** The edges that a walk from `start` reaches as of a block: against the arrows for causes, along them for effects, at most `depth` generations of versions
 *  away. `record` adds what each version on the way gave. */
export function walkLineage(
  all: readonly GraphEdge[],
  start: string,
  direction: 'record' | 'causes' | 'effects',
  { depth = 8, block = 20 } = {},
): GraphEdge[] {
  const edges = all.filter(({ since }) => since <= block)
  const reached = new Map([[start, 0]])
  const found = new Set<GraphEdge>()
  const queue = [start]
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    const generation = reached.get(node) ?? 0
    for (const edge of edges) {
      const [near, far] = direction === 'effects' ? [edge.from, edge.to] : [edge.to, edge.from]
      const next = generation + (edge.relation === 'parent' ? 1 : 0)
      if (near !== node || next > depth) continue
      found.add(edge)
      if ((reached.get(far) ?? Infinity) <= next) continue
      reached.set(far, next)
      queue.push(far)
    }
  }
  if (direction === 'record')
    for (const edge of edges) if (EFFECTS.includes(edge.relation) && reached.has(edge.from)) found.add(edge)
  return [...found]
}
