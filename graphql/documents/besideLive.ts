import { firstOfEach, inWords, isWorse } from '#rules/promotion.ts'
import type { Evaluation } from '#schema/onchain/models.ts'
import { metricEvaluation } from '#schema/promotionFacts.ts'
import type { DescribedVersion } from './describeVersion.ts'

/** How a version stands beside the live one, by rule 15, as paragraphs of its card: none when it is live itself, or no version is. */
export function besideLive({
  version,
  otherLive,
  specification,
  targets,
  evaluations,
}: Pick<DescribedVersion, 'version' | 'otherLive' | 'specification' | 'targets' | 'evaluations'>): string[] {
  if (!otherLive) return []
  const isLater = BigInt(version.id) > BigInt(otherLive.id)
  const measured = (of: readonly Evaluation[]) =>
    firstOfEach(of.filter(({ rubricHash }) => rubricHash === specification.rubric).map(metricEvaluation))
  const [ofOwn, ofLive] = [measured(evaluations), measured(otherLive.evaluations)]
  const compared = targets.flatMap(({ metric, mayFall }) => {
    const [own, live] = [ofOwn.get(metric), ofLive.get(metric)]
    return mayFall || !own || !live ? [] : { metric, own, live }
  })
  const worse = compared.flatMap(({ metric, own, live }) =>
    isWorse(own, live) ? `${metric} ${inWords(own)} against ${inWords(live)}` : [],
  )
  const standing = `Version ${otherLive.id} is live${isLater ? '' : ', and newer: this one cannot replace it'}.`
  const comparison =
    compared.length === 0
      ? 'Nothing that may not fall was measured of both.'
      : worse.length > 0
        ? `This one is significantly worse in what may not fall: ${worse.join('; ')}.`
        : 'This one is not significantly worse in anything that may not fall.'
  return [`${standing} ${comparison}`]
}
