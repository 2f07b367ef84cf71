import { formatEther, type Hex } from 'viem'
import type { Client } from '#client/index.ts'
import type { ModelFolder } from './checkFiles.ts'
import { findProposed } from './findProposed.ts'
import { folderDocuments } from './folderDocuments.ts'
import { nextStep } from './nextStep.ts'
import { baseOf } from './proposeFolder.ts'
import { type ModelStanding, readStanding } from './standing.ts'

export interface FolderStatus {
  specification: Hex
  /** Null when the folder is not proposed. */
  model: ModelStanding | null
  /** What comes next, in words and as a command where there is one. */
  next: string
}

/** Where a folder's model stands. @param modelId asks about this one, whatever the folder says now. */
export async function folderStatus(client: Client, folder: ModelFolder, modelId?: bigint): Promise<FolderStatus> {
  const { specHash } = folderDocuments(folder, (await baseOf(folder)).name)
  const id = modelId ?? (await findProposed(client, specHash))?.model.modelId
  const model = id === undefined ? null : await readStanding(client, id)
  return { specification: specHash, model, next: nextStep(folder, model) }
}

const percent = (ppm: string) => `${(Number(ppm) / 10_000).toFixed(1)} %`
const inTokens = (wei: string) => formatEther(BigInt(wei))

const verdictOf = ({ met, reason }: ModelStanding['versions']['nodes'][number]['meetsMandate']) =>
  met ? 'meets its targets: anybody may promote it' : `not promoted: ${reason}`

/** The status as lines for a person. */
export function statusLines({ specification, model, next }: FolderStatus): string[] {
  if (!model) return [`specification ${specification}: not proposed`, `next: ${next}`]
  const { proposal } = model
  const tally =
    proposal &&
    `for ${inTokens(proposal.forVotes)}, against ${inTokens(proposal.againstVotes)}, abstain ${inTokens(proposal.abstainVotes)} gOPEN; quorum ${proposal.quorumReached ? 'reached' : 'not reached'}`
  return [
    `model ${model.id}, specification ${specification}`,
    `proposal ${model.proposalId}: ${proposal ? `${proposal.state} (${tally})` : 'its vote is not open'}; bond ${model.bondStatus}`,
    ...model.mandates.nodes.map(
      ({ budget, spent, deadline }) =>
        `mandate: ${inTokens(spent)} of ${inTokens(budget)} gOPEN spent, until ${deadline}`,
    ),
    ...model.datanets.nodes.map(
      ({ id, licence, contributions, accepted }) =>
        `datanet ${id} (${licence}): ${contributions.totalCount} samples, ${accepted.totalCount} accepted`,
    ),
    ...model.versions.nodes.flatMap(({ id, method, status, meetsMandate, evaluations, endpoints }) => [
      `version ${id} (${method}): ${status}${id === model.liveVersionId ? ', live' : ''}`,
      ...evaluations.nodes.map(
        ({ metric, score, lower, upper, n }) =>
          `  ${metric} ${percent(score)} (${percent(lower)} to ${percent(upper)}, n = ${n})`,
      ),
      ...(status === 'Registered' && evaluations.nodes.length > 0 ? [`  ${verdictOf(meetsMandate)}`] : []),
      ...endpoints.nodes.map(({ id: endpoint, url }) => `  endpoint ${endpoint}: ${url}`),
    ]),
    `next: ${next}`,
  ]
}
