import type { PromptCompletion } from '#rules/sample.ts'

/** What a sample must not hold. The thing itself is never part of a finding: findings are published. */
export type FindingVerdict = 'secret' | 'personalData'

export interface ScreeningFinding {
  verdict: FindingVerdict
  /** The kind, such as `GITHUB_TOKEN` or `e-mail address`. */
  kind: string
  field: keyof PromptCompletion
  /** In the field, from 1. */
  line: number
}

/** A place in a text where something was found, by the index of its first UTF-16 code unit. */
export interface Match {
  kind: string
  at: number
}

const NAMES: Record<FindingVerdict, string> = { secret: 'a secret', personalData: 'personal data' }

/** One sentence for the contributor, which is published with the verdict. */
export const screeningFindingText = ({ verdict, kind, field, line }: ScreeningFinding): string =>
  `Holds ${NAMES[verdict]} (${kind}) in the ${field}, line ${line}. Replace it by an invented value.`
