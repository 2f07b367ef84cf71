import type { Hex } from 'viem'
import { channelWith, claim, graphql, requestWithdrawal, withdraw } from '#client/index.ts'
import type { SimulatedContributor } from '../contributors.ts'
import { type StageResult, type StoryContext, stageOf } from './context.ts'

interface Line {
  account: string
  source: string
  amount: string
}

export interface SettledEpoch {
  root: string
  lines: Line[]
  stage: StageResult
}

const MAP = graphql('query ($id: ID!) { rewardMap(epoch: $id) { root total lastBlock lines { totalCount } } }')

/** A consumer takes back what is left of its credit: so the steward redeems what all of them owe, and publishes the map of the epoch when that is over. After the
 *  challenge window each account is paid by its proof. */
export async function settleStage(
  context: StoryContext,
  { epoch, endpointId, fees }: { epoch: number; endpointId: bigint; fees: bigint },
): Promise<SettledEpoch> {
  const { as, clock } = context
  const consumer = as('consumer')
  const { balance } = await channelWith(consumer, endpointId)
  await requestWithdrawal(consumer, { endpointId, amount: balance })
  const mapOf = async () => (await consumer.ask(MAP, { id: String(epoch) })).rewardMap
  const { lastBlock } = await clock.until(async () => (await mapOf()) ?? undefined)
  await clock.finalise(lastBlock ?? 0)
  await clock.until(async () => (await mapOf())?.lines.totalCount || undefined) // they follow on the publication
  const settled = await payOut(context, epoch, fees)
  await withdraw(consumer, endpointId)
  return settled
}

/** Waits for the end of the challenge window, and claims the reward of each account by its proof. */
export async function payOut({ as, clock }: StoryContext, epoch: number, fees: bigint): Promise<SettledEpoch> {
  const anyone = as('challenger')
  const { rewardMap } = await anyone.ask(MAP, { id: String(epoch) })
  const { root, total } = { root: rewardMap?.root ?? '', total: BigInt(rewardMap?.total ?? 0) }
  const lines = await linesOf(anyone, epoch)
  const { challengeWindow = 0, withdrawalDelay = 0 } = anyone.deployment.settings
  await clock.pass(Math.max(Number(challengeWindow), Number(withdrawalDelay)))
  let claimed = 0n
  const accounts = [...new Set(lines.map((line) => line.account))].sort()
  for (const account of accounts) claimed += await claim(anyone, account as Hex)
  const stage = stageOf(
    epoch === 1 ? 'reward' : `reward${epoch}`,
    {
      ...{ epoch, root, fees: fees.toString(), paid: claimed.toString() },
      ...{ accounts: accounts.length, lines: lines.length },
    },
    {
      'the root on chain is the one computed':
        (await anyone.read('RewardDistributor', 'rootOf', [BigInt(epoch)])) === root,
      'the lines sum to what the map pays': lines.reduce((sum, line) => sum + BigInt(line.amount), 0n) === total,
      'what was payable is claimed': claimed === total,
      'nothing beyond the fees is paid': total <= fees + 1_000_000n,
    },
  )
  return { root, lines, stage }
}

const LINES = graphql(`
  query ($epoch: ID!, $after: String) {
    rewardLines(where: { mapId: { eq: $epoch } }, first: 1000, after: $after) {
      nodes { account source amount } pageInfo { hasNextPage endCursor }
    }
  }`)

async function linesOf({ ask }: ReturnType<StoryContext['as']>, epoch: number): Promise<Line[]> {
  const lines: Line[] = []
  for (let after: string | null = null; ; ) {
    const { nodes, pageInfo }: { nodes: Line[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } = (
      await ask(LINES, { epoch: String(epoch), after })
    ).rewardLines
    lines.push(...nodes)
    if (!pageInfo.hasNextPage) return lines
    after = pageInfo.endCursor
  }
}

/** The amount that each contribution earned from the data share. */
export function earnedByContribution(lines: Line[]): Map<string, bigint> {
  const earned = new Map<string, bigint>()
  for (const { source, amount } of lines) {
    const id = /^contribution:(\d+)$/.exec(source)?.[1]
    if (id) earned.set(id, (earned.get(id) ?? 0n) + BigInt(amount))
  }
  return earned
}

export interface BehaviourShares {
  cleanShare: number
  noisyShare: number
  duplicateShare: number
  adversarialShare: number
}

/** How the data share divides among the kinds of contributors, for each sample that they submitted; the values of the kinds sum to 1. */
export function sharesByBehaviour(
  lines: Line[],
  owner: Map<string, SimulatedContributor>,
): { shares: BehaviourShares; stage: StageResult } {
  const earned = earnedByContribution(lines)
  const perSample = (...behaviours: string[]) => {
    const ids = [...owner].filter(([, person]) => behaviours.includes(person.behaviour)).map(([id]) => id)
    return Number(ids.reduce((sum, id) => sum + (earned.get(id) ?? 0n), 0n)) / ids.length
  }
  const clean = perSample('excellent', 'mediocre')
  const noisy = perSample('noisy')
  const duplicate = perSample('duplicating')
  const adversarial = perSample('adversarial')
  const bad = perSample('noisy', 'duplicating', 'adversarial')
  const whole = clean + noisy + duplicate + adversarial || 1
  const round = (value: number) => Number((value / whole).toFixed(4))
  const shares = {
    cleanShare: round(clean),
    noisyShare: round(noisy),
    duplicateShare: round(duplicate),
    adversarialShare: round(adversarial),
  }
  const stage = stageOf(
    'attribute',
    { ...shares, contributionsPaid: earned.size },
    {
      'a noisy sample earns less than a clean one': noisy < clean,
      'a duplicate earns less than a clean one': duplicate < clean,
      'an adversarial sample earns less than a clean one': adversarial < clean,
      'together they earn less than half of a clean one': bad < clean / 2,
    },
  )
  return { shares, stage }
}
