import { claim } from '#client/index.ts'
import type { SimulatedContributor } from '../contributors.ts'
import { Checks, type StageResult, type StoryContext } from './context.ts'

interface Line {
  account: string
  role: string
  source: string
  amount: string
}

export interface SettledEpoch {
  epoch: number
  root: string
  total: bigint
  lines: Line[]
  stage: StageResult
}

/** Closes an epoch, waits for the end of the challenge window, and claims the reward of each account by its proof. */
export async function settleStage(context: StoryContext, epoch: number, fees: bigint): Promise<SettledEpoch> {
  const { as, api, chain, deployment } = context
  const settled = await api.runJob<{ root: string; total: string; accounts: number }>(
    'settleEpoch',
    { epoch },
    `epoch:${epoch}`,
  )
  const lines = await linesOf(context, epoch)
  await chain.advanceTo((await chain.now()) + BigInt(deployment.settings.challengeWindow) + 1n)
  let claimed = 0n
  const accounts = [...new Set(lines.map((line) => line.account))].sort()
  for (const account of accounts) claimed += await claim(as('challenger'), account as `0x${string}`)
  const sum = lines.reduce((total, line) => total + BigInt(line.amount), 0n)
  const checks = new Checks()
  checks.that(
    'the root on chain is the one computed',
    (await as('challenger').read('RewardDistributor', 'maps', [BigInt(epoch)])).some((value) => value === settled.root),
  )
  checks.that('the lines sum to what the map pays', sum === BigInt(settled.total))
  checks.that('what was payable is claimed', claimed === BigInt(settled.total))
  checks.that('nothing beyond the fees is paid', BigInt(settled.total) <= fees + 1_000_000n)
  return {
    epoch,
    root: settled.root,
    total: BigInt(settled.total),
    lines,
    stage: {
      name: epoch === 1 ? 'reward' : `reward${epoch}`,
      ok: checks.failed.length === 0,
      facts: {
        epoch,
        root: settled.root,
        fees: fees.toString(),
        paid: claimed.toString(),
        accounts: accounts.length,
        lines: lines.length,
        failed: checks.failed.join('; '),
      },
    },
  }
}

async function linesOf({ api }: StoryContext, epoch: number): Promise<Line[]> {
  interface Page {
    rewardLines: { nodes: Line[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } }
  }
  const lines: Line[] = []
  let after: string | null = null
  do {
    const page: Page = await api.query<Page>(
      `query ($epoch: ID!, $after: String) {
        rewardLines(where: { mapId: { eq: $epoch } }, first: 500, after: $after) { nodes { account role source amount } pageInfo { hasNextPage endCursor } }
      }`,
      { epoch: String(epoch), after },
    )
    lines.push(...page.rewardLines.nodes)
    after = page.rewardLines.pageInfo.hasNextPage ? page.rewardLines.pageInfo.endCursor : null
  } while (after !== null)
  return lines
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
  const whole = clean + noisy + duplicate + adversarial || 1
  const round = (value: number) => Number((value / whole).toFixed(4))
  const shares = {
    cleanShare: round(clean),
    noisyShare: round(noisy),
    duplicateShare: round(duplicate),
    adversarialShare: round(adversarial),
  }
  const checks = new Checks()
  checks.that('a noisy sample earns less than a clean one', noisy < clean)
  checks.that('a duplicate earns less than a clean one', duplicate < clean)
  checks.that('an adversarial sample earns less than a clean one', adversarial < clean)
  const bad = perSample('noisy', 'duplicating', 'adversarial')
  checks.that('together they earn less than half of a clean one', bad < clean / 2)
  return {
    shares,
    stage: {
      name: 'attribute',
      ok: checks.failed.length === 0,
      facts: { ...shares, contributionsPaid: earned.size, failed: checks.failed.join('; ') },
    },
  }
}
