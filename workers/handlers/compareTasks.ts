import { createHash } from 'node:crypto'
import { Random } from '#math/random.ts'
import { type CanonicalValue, canonicalJson } from '#rules/canonicalJson.ts'
import type { PromptCompletion } from '#rules/sample.ts'
import { normalForm } from '#rules/shingles.ts'
import {
  comparisonDocument,
  comparisonKeyDocument,
  getDocument,
  promptsDocument,
  putDocument,
} from '#schema/documents.ts'
import { type Dependencies, forwardProgress, storeAs } from '../dependencies.ts'
import { clearestGold, drawGoldItems, GOLD_TRIES, type GoldPair } from '../goldDraw.ts'
import { goldItemId, openedGoldItems, showGold, shownGoldKey, takeGoldItems } from '../goldItems.ts'
import { type JobContext, JobError } from '../job.ts'
import {
  fetchAdapter,
  fetchBaseModel,
  loadItems,
  loadVersion,
  type Sources,
  sourcesOf,
  type VersionDetails,
} from '../modelLookup.ts'
import { goldCommitment } from './settleFeedbackGold.ts'

type Job = JobContext<'compare'>

interface Task {
  prompt: string
  answers: [string, string]
  versions: [string, string]
  /** Which answer is known to be better, and the right answer by which it is known. */
  gold: 0 | 1 | null
  truth: string | null
}

/** Samples pairs of answers, some of which have a known better answer (gold), and stores them as artifacts. Which are gold, their order and the seeds of sampling
 *  follow from a secret of the operator: whoever has the job's input, the prompts and the versions cannot find them (amendment 5b). An attempt after the tasks
 *  may have been shown takes the same.
 *  @returns the name of the document that lists them, which is the secret of the gold. */
export async function makeTasks(job: Job, dependencies: Dependencies): Promise<string> {
  const shown = await shownGoldKey(job.db, job.id)
  if (shown !== undefined) return listAgain(job, shown)
  const { input } = job
  const sources = sourcesOf(job, dependencies)
  const facts = await loadVersion(sources, input.versionId)
  const other = input.againstVersionId ? await loadVersion(sources, input.againstVersionId) : facts
  const { rubric } = facts
  const sealed = [...(await loadItems(sources, rubric.test)), ...(await loadItems(sources, rubric.validation))]
  const given = await getDocument(job.artifacts, promptsDocument, input.promptsHash)
  const goldCount = Math.round((input.tasks * input.goldPercent) / 100)
  const held = new Set(sealed.map(({ prompt }) => normalForm(prompt)))
  // What was gold cannot be gold again: the more such prompts stand beside the others, the more of these are gold.
  const opened = goldCount === 0 ? new Set<string>() : await openedGoldItems(job.db)
  const prompts = given.prompts.filter(
    (prompt) => !held.has(normalForm(prompt)) && !opened.has(goldItemId(prompt)), // answers to sealed items would be published
  )
  const tried = goldCount === 0 ? [] : await takeItems(job, sources, { sealed, prompts, count: 2 * goldCount })
  // The items are in it, so that a second comparison with the same input has its gold elsewhere: that of the first is opened.
  const secret = (part: string) => secretOf(job, `${part}/${tried.map(({ prompt }) => goldItemId(prompt))}`)

  const base = await fetchBaseModel(sources, facts)
  const answersOf = async (of: VersionDetails, side: 0 | 1, asked: readonly string[], from: number) =>
    (
      await dependencies.engine.run(
        'generate',
        {
          baseFolder: base,
          adapterFolder: await fetchAdapter(sources, of),
          requests: asked.map((prompt, index) => ({
            prompt,
            maxTokens: facts.rubric.maxTokens,
            temperature: input.temperature,
            seed: `${secret('sampling')}/${from}/${side}/${index}`,
          })),
        },
        forwardProgress(job, from + side * 0.2, from + side * 0.2 + 0.2, 'answering'),
      )
    ).answers.map((answer) => answer.text)
  const bothAnswer = async (asked: readonly string[], from: number) => ({
    first: await answersOf(facts, 0, asked, from),
    second: await answersOf(other, 1, asked, from),
  })

  const gold =
    goldCount === 0
      ? []
      : clearestGold(
          tried,
          await bothAnswer(
            tried.flatMap(({ prompt }) => Array.from({ length: GOLD_TRIES }, () => prompt)),
            0,
          ),
          facts.rubric.metrics,
          goldCount,
        )
  const plain = plainPrompts(job, prompts, gold, new Random(secret('prompts')))
  const { first, second } = await bothAnswer(plain, 0.4)
  const versions: [string, string] = [facts.version.id, other.version.id]
  const pairs: Task[] = [
    ...gold.map(({ item, answers, better }): Task => {
      return { prompt: item.prompt, answers, versions, gold: better, truth: item.completion }
    }),
    ...plain.map((prompt, index): Task => {
      return { prompt, answers: pairOf(first[index], second[index]), versions, gold: null, truth: null }
    }),
  ]
  const sides = new Random(secret('sides'))
  const tasks = new Random(secret('order')).shuffle(pairs.map((task) => (sides.chance(0.5) ? swapped(task) : task)))

  const store = storeAs(job, 'item')
  const key = await putDocument(storeAs(job, 'sealed'), comparisonKeyDocument, {
    salt: secret('key'),
    tasks: await Promise.all(
      tasks.map(async ({ prompt, answers, ...known }) => ({
        item: await putDocument(store, comparisonDocument, { prompt, answers }),
        ...known,
      })),
    ),
  })
  const items = gold.map(({ item }) => goldItemId(item.prompt))
  return showGold(job.db, { jobId: job.id, items, key, commitment: goldCommitment(key) })
}

/** Lists the artifacts of an earlier attempt as those of this one. */
async function listAgain(job: Job, key: string): Promise<string> {
  const { tasks } = await getDocument(job.artifacts, comparisonKeyDocument, key)
  for (const { item } of tasks) await storeAs(job, 'item').put(await job.artifacts.get(item))
  return storeAs(job, 'sealed').put(await job.artifacts.get(key))
}

/** A secret of the operator for this input; its length is bounded, as that of the purpose is. */
const secretOf = ({ chain, input }: Job, part: string) => {
  const purpose = `${part}/${canonicalJson({ ...input } as CanonicalValue)}`
  return chain.secret(`compare/${createHash('sha256').update(purpose).digest('hex')}`)
}

/** Items of the pool that may be gold here, at most `count`, which no other comparison has. @throws JobError when there is no pool. */
async function takeItems(
  job: Job,
  sources: Sources,
  { sealed, prompts, count }: { sealed: readonly PromptCompletion[]; prompts: readonly string[]; count: number },
): Promise<PromptCompletion[]> {
  const { goldPool } = job.input
  if (goldPool === undefined)
    throw new JobError(
      'NO_GOLD_POOL',
      'Gold needs a pool: upload one and name it in goldPool, or set goldPercent to 0.',
    )
  const pool = await loadItems(sources, goldPool)
  const drawn = drawGoldItems({ pool, prompts, sealed }, new Random(secretOf(job, 'gold')))
  const taken = new Set(
    await takeGoldItems(
      job.db,
      job.id,
      drawn.map(({ prompt }) => goldItemId(prompt)),
      count,
    ),
  )
  return drawn.filter(({ prompt }) => taken.has(goldItemId(prompt)))
}

/** The prompts of the tasks that are not gold. With gold each prompt is compared once, so that no prompt tells by its number that it is none.
 *  @throws JobError when there are too few. */
function plainPrompts({ input }: Job, prompts: readonly string[], gold: readonly GoldPair[], random: Random): string[] {
  const count = input.tasks - gold.length
  const known = new Set(gold.map(({ item }) => item.prompt))
  const different = random.shuffle([...new Set(prompts)].filter((prompt) => !known.has(prompt)))
  if (different.length < (gold.length > 0 ? count : 1))
    throw new JobError(
      'TOO_FEW_PROMPTS',
      `The document ${input.promptsHash} has too few prompts: ${input.tasks} comparisons with gold need ${input.tasks} different ones, those of the gold items included. Prompts that were gold in an earlier round, and those of sealed items, do not count.`,
    )
  return Array.from({ length: count }, (_, index) => different[index % different.length] ?? '')
}

function pairOf(first: string | undefined, second: string | undefined): [string, string] {
  if (first === undefined || second === undefined) throw new Error('The engine returned fewer answers than prompts.')
  return [first, second]
}

const swapped = ({ answers, versions, gold, ...task }: Task): Task => ({
  ...task,
  answers: [answers[1], answers[0]],
  versions: [versions[1], versions[0]],
  gold: gold === null ? null : gold === 0 ? 1 : 0,
})
