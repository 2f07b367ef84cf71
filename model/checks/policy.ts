import { formatEther, zeroHash } from 'viem'
import { checkJobInput } from '#schema/jobs.ts'
import type { Problems } from '../problems.ts'
import { FILES, type FolderParts } from '../readFolder.ts'

/** What keeps the steward from a step: a mistake where nobody could ever mend it, a warning where others may. */
export function checkPolicy({ model, prompts, seedData }: FolderParts, problems: Problems): void {
  const { policy, mandate } = model?.value ?? {}
  if (!model || !policy) return
  const at = (...path: string[]) => model.placeOf(['policy', ...path])
  for (const step of ['judge', 'align'] as const)
    if (policy[step] && model.isSound(['policy', step]) && !policy[step].prompts && !prompts)
      problems.add(
        FILES.model,
        at(step),
        `policy.${step} needs prompts: write ${FILES.prompts}, or name an artifact in policy.${step}.prompts.`,
      )
  const { train, judge, align } = policy
  const compared =
    judge && model.isSound(['policy', 'judge'])
      ? checkJobInput('compare', { ...judge.settings, versionId: '1', promptsHash: zeroHash })
      : undefined
  const budget = mandate?.budget
  if (compared && budget !== undefined) {
    const { potWei, tasks } = compared
    const cost = BigInt(potWei) * BigInt(tasks)
    if (cost > budget)
      problems.add(
        FILES.model,
        at('judge'),
        `policy.judge costs ${formatEther(cost)} gOPEN, ${tasks} comparisons at potWei ${potWei}, and mandate.budget is ${formatEther(budget)}: nobody would ever judge. Raise the budget, or name a smaller potWei in policy.judge.settings.`,
      )
  }
  if (compared && align?.judged !== undefined && align.judged > compared.tasks)
    problems.warn(
      FILES.model,
      at('align', 'judged'),
      `policy.align.judged is ${align.judged}, and a version is judged by ${compared.tasks} comparisons (policy.judge.settings.tasks): no version would ever be aligned.`,
    )
  const needed = train?.samples ?? 0
  if (needed > seedData.length)
    problems.warn(
      FILES.model,
      at('train', 'samples'),
      `policy.train.samples is ${needed}, and ${FILES.seedData} has ${seedData.length}: no version is trained before others have given ${needed - seedData.length} more that are accepted.`,
    )
}
