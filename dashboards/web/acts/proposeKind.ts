import { proposePrepared } from '#model/proposePrepared.ts'
import { short } from '../say/figures.ts'
import type { ActInputs } from './inputs.ts'
import { proposalOfText } from './keptProposals.ts'
import type { ActKind } from './kind.ts'

/** A model is proposed as `modelcommons model propose` does it: its documents are published, its bond is locked, and its vote is opened. */
export const proposeKind: ActKind<ActInputs['propose']> = {
  async run(client, { name, proposal }) {
    const { modelId, proposalId, before } = await proposePrepared(client, proposalOfText(proposal))
    const vote = `model ${modelId}, and its vote is proposal ${short(String(proposalId))}`
    return before ? `“${name}” was proposed before: it is ${vote}.` : `“${name}” is ${vote}.`
  },
}
