import { parseEther } from 'viem'
import { accountOf, delegate, graphql, resolveBond, stake, transfer, upload, wrap } from '#client/index.ts'
import { proposeFolder } from '#model/proposeFolder.ts'
import { exampleAccount } from '../accounts.ts'
import { folderOfSeed, promptsOf } from '../recipe.ts'
import { type StageResult, type StoryContext, stageOf } from './context.ts'
import { HOLDERS, passProposal } from './govern.ts'

/** What a holder keeps unlocked: to give to the treasury and to stake. */
const SPARE = parseEther('50')

const OUTCOME = graphql(`
  query ($id: ID!, $model: ID!, $specification: ID!) {
    proposal(id: $id) { state forVotes againstVotes abstainVotes votes { totalCount } }
    mandates(where: { modelId: { eq: $model } }) { nodes { budget funded } }
    artifact(id: $specification) { id }
  }`)

/** A proposer publishes a model folder and locks a bond; holders of gOPEN vote, and stake. */
export async function proposeStage(context: StoryContext): Promise<{ modelId: bigint; stages: StageResult[] }> {
  const { as, seed, recipe } = context
  const proposer = as('proposer')
  const prompts = promptsOf(seed, 'alignment', recipe.alignmentPrompts)
  const folder = folderOfSeed(seed, recipe, await upload(proposer, 'prompts', JSON.stringify({ prompts })))
  const { budget, bond = 0n } = folder.model.mandate
  for (let nth = 0; nth < HOLDERS; nth++) {
    const votes = parseEther(String(1000 + 250 * nth))
    await wrap(as('holder', nth), votes + SPARE)
    await delegate(as('holder', nth), { to: exampleAccount('holder', nth === 2 ? 0 : nth).address, lock: votes })
  }
  const { Treasury, ModelRegistry } = proposer.deployment.addresses
  await transfer(as('holder', 1), Treasury, budget)
  await wrap(proposer, parseEther('500'))
  await delegate(proposer, { to: accountOf(proposer), lock: parseEther('300') })
  const { modelId, proposalId, specification } = await proposeFolder(proposer, folder)
  const locked = await proposer.read('GOpen', 'balanceOf', [ModelRegistry])

  await passProposal(context, proposalId)
  const { returned } = await resolveBond(as('challenger'), modelId)
  await stake(proposer, { modelId, amount: parseEther('50') })
  await stake(as('holder', 3), { modelId, amount: parseEther('25') })
  const asked = { id: proposalId.toString(), model: modelId.toString(), specification }
  const { proposal, mandates, artifact } = await proposer.ask(OUTCOME, asked)
  const [mandate] = mandates.nodes
  const propose = stageOf(
    'propose',
    { modelId: modelId.toString(), bond: bond.toString(), specHash: specification },
    { 'the bond is locked': locked === bond, 'the specification can be read': artifact !== null },
  )
  const govern = stageOf(
    'govern',
    {
      votes: proposal?.votes.totalCount ?? 0,
      for: proposal?.forVotes ?? '',
      against: proposal?.againstVotes ?? '',
      abstain: proposal?.abstainVotes ?? '',
      budget: budget.toString(),
    },
    {
      'the proposal is executed': proposal?.state === 'Executed',
      'the mandate is issued and funded':
        BigInt(mandate?.budget ?? 0) === budget && mandate?.funded === mandate?.budget,
      'the bond came back in full': returned === bond,
    },
  )
  return { modelId, stages: [propose, govern] }
}
