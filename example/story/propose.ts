import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEther } from 'viem'
import { accountOf, delegate, proposeModel, resolveBond, stake, transfer, upload, wrap } from '#client/index.ts'
import { proposedSpecification } from '#model/folderDocuments.ts'
import { documentBytes, putDocument, rubricDocument, specificationDocument } from '#schema/documents.ts'
import { storeFolder } from '#schema/folders.ts'
import { exampleAccount } from '../accounts.ts'
import { TRIAGE, TRIAGE_FOLDER } from '../modelFolder.ts'
import { rubricOf, sealItems, testItems, validationItems } from '../skill/rubric.ts'
import { Checks, type StageResult, type StoryContext } from './context.ts'
import { HOLDERS, passProposal } from './govern.ts'

const { budget: BUDGET, bond: BOND = 0n, split } = TRIAGE.model.mandate
/** What a holder keeps unlocked: to give to the treasury and to stake. */
const SPARE = parseEther('50')
const DAY = 86_400n

/** A proposer locks a bond and publishes the purpose of the model and how it will be judged. */
export async function proposeStage(
  context: StoryContext,
): Promise<{ modelId: string; proposalId: bigint; stages: StageResult[] }> {
  const { as, chain, deployment, store } = context
  for (let nth = 0; nth < HOLDERS; nth++) {
    const votes = parseEther(String(1000 + 250 * nth))
    const holder = as('holder', nth)
    await wrap(holder, votes + SPARE)
    await delegate(holder, { to: exampleAccount('holder', nth === 2 ? 0 : nth).address, lock: votes })
  }
  await transfer(as('holder', 1), deployment.addresses.Treasury, BUDGET)
  const proposer = as('proposer')
  await wrap(proposer, parseEther('500'))
  await delegate(proposer, { to: accountOf(proposer), lock: parseEther('300') })

  const { specHash, rubricHash } = await publishSpecification(context)
  const deadline = (await chain.now()) + 365n * DAY
  const terms = { budget: BUDGET, rubricHash, deadline, targets: context.recipe.targets, split }
  const { modelId, proposalId } = await proposeModel(proposer, { specHash, terms, bond: BOND })

  const propose = new Checks()
  propose.that(
    'the bond is locked',
    (await proposer.read('GOpen', 'balanceOf', [deployment.addresses.ModelRegistry])) === BOND,
  )
  propose.that('the specification can be read', await store.has(specHash))
  const stages: StageResult[] = [
    {
      name: 'propose',
      ok: propose.failed.length === 0,
      facts: { modelId: modelId.toString(), bond: BOND.toString(), specHash },
    },
  ]

  await passProposal(context, proposalId)
  const returned = await resolveBond(as('challenger'), modelId)
  await stake(proposer, { modelId, amount: parseEther('50') })
  await stake(as('holder', 3), { modelId, amount: parseEther('25') })
  const { proposal, mandates } = await context.api.query<{
    proposal: {
      state: string
      forVotes: string
      againstVotes: string
      abstainVotes: string
      votes: { totalCount: number }
    }
    mandates: { nodes: { budget: string; funded: string }[] }
  }>(
    `query ($id: ID!, $model: ID!) {
      proposal(id: $id) { state forVotes againstVotes abstainVotes votes { totalCount } }
      mandates(where: { modelId: { eq: $model } }) { nodes { budget funded } }
    }`,
    { id: proposalId.toString(), model: modelId.toString() },
  )
  const govern = new Checks()
  govern.that('the proposal is executed', proposal.state === 'Executed')
  govern.that(
    'the mandate is issued and funded',
    mandates.nodes[0]?.budget === BUDGET.toString() && mandates.nodes[0]?.funded === BUDGET.toString(),
  )
  govern.that('the bond came back in full', returned === BOND)
  stages.push({
    name: 'govern',
    ok: govern.failed.length === 0,
    facts: {
      votes: proposal.votes.totalCount,
      for: proposal.forVotes,
      against: proposal.againstVotes,
      abstain: proposal.abstainVotes,
      budget: BUDGET.toString(),
      failed: govern.failed.join('; '),
    },
  })
  return { modelId: modelId.toString(), proposalId, stages }
}

/** Publishes the base model, the sealed items, the rubric and the specification. */
async function publishSpecification({
  seed,
  store,
  as,
  recipe,
}: StoryContext): Promise<{ specHash: `0x${string}`; rubricHash: `0x${string}` }> {
  const base = join(TRIAGE_FOLDER, TRIAGE.model.base.folder ?? '')
  if ((await readdir(base)).length === 0)
    throw new Error(`There is no base model in ${base}. Train it with \`npm run base\`.`)
  const baseModel = await storeFolder(store, base)
  const test = await store.put(documentBytes(sealItems(seed, testItems(seed, recipe.items.test)).document))
  const validation = await store.put(
    documentBytes(sealItems(seed, validationItems(seed, recipe.items.validation)).document),
  )
  const rubricHash = (await putDocument(
    store,
    rubricDocument,
    rubricOf(test as `0x${string}`, validation as `0x${string}`),
  )) as `0x${string}`
  const spec = proposedSpecification(TRIAGE.model, { baseModel, rubric: rubricHash })
  const text = new TextDecoder().decode(documentBytes(specificationDocument.parse(spec)))
  return { specHash: await upload(as('proposer'), 'specification', text), rubricHash }
}
