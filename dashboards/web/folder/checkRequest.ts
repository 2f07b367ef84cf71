import type { Problem } from '#model/problems.ts'
import type { PreparedProposal } from '#model/proposePrepared.ts'
import type { ChosenFile } from './chosenFiles.ts'

/** What the page asks the worker that checks a folder, and what that answers. */

export interface CheckRequest {
  folder: readonly ChosenFile[]
  /** Of the base model, where it is in a folder of its own. */
  base: readonly ChosenFile[]
  /** By the clock of the chain, in milliseconds: the contract refuses a deadline that is over by it. */
  now: number
  /** The least bond that the contract takes, in wei. */
  minBond: bigint
}

export interface CheckAnswer {
  problems: readonly Problem[]
  /** What is no mistake, but hardly meant. */
  warnings: readonly Problem[]
  /** The folder of the base model as `model.yaml` names it, when it is not in the folder of the model: its files are chosen on their own. */
  outsideBase?: string
  /** Absent while something is wrong or missing. */
  found?: FoundProposal
}

/** What a folder without mistakes proposes. */
export interface FoundProposal {
  name: string
  purpose: string
  licence: string
  deadline: string
  /** Of a base model in files, `files` is left out: a function cannot be sent. */
  proposal: PreparedProposal
  baseFiles: readonly ChosenFile[]
}
