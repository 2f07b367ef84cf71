import { formatEther, type Hex } from 'viem'
import type { Client } from '#client/index.ts'
import type { ModelFolder } from './checkFiles.ts'
import { findNamesakes, findProposed } from './findProposed.ts'
import { folderDocuments } from './folderDocuments.ts'
import { nextStep } from './nextStep.ts'
import { baseOf } from './proposeFolder.ts'
import { lostAlignment, type ModelStanding, readStanding } from './standing.ts'

export interface FolderStatus {
  specification: Hex
  /** Null when the folder is not proposed. */
  model: ModelStanding | null
  /** Where the folder is not proposed as it is now: models of its name, which it may have been before. */
  namesakes: string[]
  /** What comes next, in words and as a command where there is one. */
  next: string
}

/** Where a folder's model stands. @param modelId asks about this one, whatever the folder says now. */
export async function folderStatus(client: Client, folder: ModelFolder, modelId?: bigint): Promise<FolderStatus> {
  const { specHash } = folderDocuments(folder, (await baseOf(folder)).name)
  const id = modelId ?? (await findProposed(client, specHash))?.model.modelId
  const model = id === undefined ? null : await readStanding(client, id)
  const namesakes = model ? [] : await findNamesakes(client, folder.model.name)
  return { specification: specHash, model, namesakes, next: nextStep(folder, model, client.deployment.hosts) }
}

const percent = (ppm: string) => `${(Number(ppm) / 10_000).toFixed(1)} %`
const inTokens = (wei: string) => formatEther(BigInt(wei))

type Version = ModelStanding['versions']['nodes'][number]

/** Why a version that was evaluated does not serve, or may. The chain does not know the win rate. */
function verdictOf(version: Version, isLive: boolean): string[] {
  const { status, meetsMandate, evaluations } = version
  const lost = lostAlignment(version)
  if (status === 'Registered' && evaluations.nodes.length > 0) {
    const unmet = meetsMandate.met ? [] : [meetsMandate.reason]
    if (unmet.length === 0 && !lost) return ['meets its targets: anybody may promote it']
    return [`not promoted: ${[...unmet, lost].filter(Boolean).join(' ')}`]
  }
  return isLive && lost ? [`the steward lets no endpoint follow it: ${lost}`] : []
}

/** The status as lines for a person. */
export function statusLines({ specification, model, namesakes, next }: FolderStatus): string[] {
  if (!model)
    return [
      `specification ${specification}: not proposed`,
      ...namesakes.map(
        (id) => `model ${id} has the same name: if the folder changed since it was proposed, --model ${id}`,
      ),
      `next: ${next}`,
    ]
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
    ...model.versions.nodes.flatMap((version) => versionLines(version, version.id === model.liveVersionId)),
    `next: ${next}`,
  ]
}

function versionLines(version: Version, isLive: boolean): string[] {
  const { id, method, status, evaluations, endpoints } = version
  return [
    `version ${id} (${method}): ${status}${isLive ? ', live' : ''}`,
    ...evaluations.nodes.map(
      ({ metric, score, lower, upper, n }) =>
        `  ${metric} ${percent(score)} (${percent(lower)} to ${percent(upper)}, n = ${n})`,
    ),
    ...verdictOf(version, isLive).map((line) => `  ${line}`),
    ...endpoints.nodes.map(({ id: endpoint, url }) => `  endpoint ${endpoint}: ${url}`),
  ]
}
