import { judgeVersion } from '#rules/promotion.ts'
import { lostText, lostWinRate } from '#rules/winRate.ts'
import type { ModelFacts } from './facts.ts'
import type { Step } from './step.ts'

/** Versions: each is evaluated once, the newest that meets the mandate goes live, and endpoints follow it. */
export const versionSteps = (facts: ModelFacts): Step[] => [
  ...followSteps(facts),
  ...promoteStep(facts),
  ...evaluateSteps(facts),
]

/** Those that may still go live. */
const candidates = ({ versions, live }: ModelFacts) =>
  versions.filter(({ id, status }) => status === 'Registered' && (live === null || BigInt(id) > BigInt(live.id)))

const evaluateSteps = (facts: ModelFacts): Step[] =>
  facts.policy.evaluate === false
    ? []
    : candidates(facts)
        .filter(({ metrics }) => metrics.length === 0)
        .map(({ id }) => ({
          name: 'evaluate',
          occasion: `evaluate/${id}`,
          kind: 'evaluate',
          input: { versionId: id, promote: false, ...(isFirst(facts, id) && { baseline: true }) },
          reason: `Version ${id} has not been evaluated.`,
        }))

/** The model's first version shows what training adds to the base model: this is measured once. */
const isFirst = ({ versions, live }: ModelFacts, id: string) => live === null && versions[0]?.id === id

function promoteStep(facts: ModelFacts): Step[] {
  const { policy, targets, versions, live } = facts
  if (policy.promote === false) return []
  const serving = versions.find(({ id }) => id === live?.id)?.metrics
  const judged = candidates(facts)
    .filter(({ metrics }) => metrics.length > 0)
    .map(({ id, metrics }) => ({ id, lost: lostWinRate(metrics), ...judgeVersion(targets, metrics, serving) }))
  const step = (id: string) =>
    ({
      name: 'promote',
      occasion: `promote/${id}`,
      kind: 'evaluate',
      input: { versionId: id, promote: true },
    }) as const
  const best = judged.findLast(({ promotable, lost }) => promotable && !lost)
  if (best) return [{ ...step(best.id), reason: `Version ${best.id} meets every target of the mandate.` }]
  const newest = judged.at(-1)
  if (!newest) return []
  const unmet = newest.results.filter(({ verdict }) => verdict !== 'met').map(({ reason }) => reason)
  if (newest.lost) unmet.push(lostText(newest.lost))
  return [
    {
      ...step(newest.id),
      reason: `Version ${newest.id} does not go live. ${unmet.join(' ') || 'The mandate has no targets.'}`,
      waitsFor: 'a better version',
    },
  ]
}

function followSteps({ policy, live, endpoints, versions }: ModelFacts): Step[] {
  if (policy.follow === false || !live) return []
  // Anybody may promote what meets the mandate: the chain does not know the win rate.
  const lost = lostWinRate(versions.find(({ id }) => id === live.id)?.metrics ?? [])
  return endpoints
    .filter(({ versionId }) => versionId !== live.id)
    .map(({ id, versionId }) => {
      const step = {
        name: 'follow',
        occasion: `follow/${id}/from ${versionId} to ${live.id}`,
        kind: 'pointEndpoint',
        input: { endpointId: id, versionId: live.id },
      } as const
      const reason = `Endpoint ${id} serves version ${versionId}, and version ${live.id} is live.`
      return lost
        ? { ...step, reason: `${reason} ${lostText(lost)}`, waitsFor: 'a better version' }
        : { ...step, reason }
    })
}
