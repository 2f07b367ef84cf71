import type { JobInput, JobKind } from '#schema/jobs.ts'
import type { StewardStepName } from '#schema/offchain/steward.ts'

/** A job for a model, and the facts that make it due, or what it waits for. */
export type Step = {
  [K in JobKind]: {
    name: StewardStepName
    /** The step and the facts that make it due: equal for all stewards that see these facts, and another one for other facts. */
    occasion: string
    kind: K
    input: Partial<JobInput<K>>
    reason: string
    /** What the mandate pays for it, in wei; 0 when absent. */
    cost?: bigint
    /** Absent when it is due. */
    waitsFor?: string
    /** When it will be due at the latest, if that is known. */
    dueAt?: Date
  }
}[JobKind]

export const isDue = ({ waitsFor }: Pick<Step, 'waitsFor'>): boolean => waitsFor === undefined

export const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
