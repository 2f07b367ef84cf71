import { type Hex, isAddress } from 'viem'
import { inGOpen } from '#client/amounts.ts'
import { entriesOfAccount } from '#epochs/mapPages.ts'
import { mapDocument, publishedFacts } from '#epochs/publishedFacts.ts'
import { readerOf } from '#epochs/readArtifacts.ts'
import { counterfactual, type Removal } from '#rules/counterfactual.ts'
import type { EpochFacts } from '#rules/epochFacts.ts'
import { PermanentError } from '#schema/errors.ts'
import { formulaLine } from './acts/rewardLines.ts'
import { type OwnIndexOptions, onOwnIndex } from './ownIndex.ts'

/** `modelcommons explain EPOCH ACCOUNT`: the amounts of the epoch's map for the account, each with its formula. */
export const explainEpoch = (epoch: number, account: string, options: OwnIndexOptions): Promise<void> =>
  onOwnIndex(options, async (sources) => {
    const map = await mapDocument(sources, epoch)
    const holder = account.toLowerCase()
    const read = readerOf(sources.artifacts)
    const lines = await entriesOfAccount(map, 'lines', holder, read)
    const [leaf] = await entriesOfAccount(map, 'leaves', holder, read)
    let earned = 0n
    for (const { source, ...line } of lines) {
      earned += BigInt(line.amount)
      console.log(formulaLine({ ...line, kind: source.kind, sourceId: source.id }))
    }
    console.log(
      leaf
        ? `Epoch ${epoch} gave ${account} ${inGOpen(earned)}; with all epochs before, ${inGOpen(BigInt(leaf.cumulative))}, claimed or not.`
        : `Epoch ${epoch} and those before gave ${account} nothing.`,
    )
  })

interface RemovalOptions extends OwnIndexOptions {
  contribution?: string
  judgement?: string
  duplicate?: string
}

/** `modelcommons counterfactual EPOCH`: the accounts that would have earned another amount, the largest difference first. */
export async function printCounterfactual(epoch: number, options: RemovalOptions): Promise<void> {
  const removal = removalOf(options)
  await onOwnIndex(options, async (sources) => {
    const differences = differencesOf(await publishedFacts(sources, epoch, removal), removal)
    for (const { account, actual, without, difference } of differences)
      console.log(
        `${account}\t${inGOpen(actual)}, without it ${inGOpen(without)}\t${difference > 0n ? '-' : '+'}${inGOpen(difference < 0n ? -difference : difference)}`,
      )
    if (differences.length === 0) console.log(`Nobody would have earned another amount in epoch ${epoch}.`)
  })
}

function differencesOf(facts: EpochFacts, removal: Removal) {
  try {
    return counterfactual(facts, removal)
  } catch (error) {
    throw error instanceof RangeError ? new PermanentError(error.message, { cause: error }) : error
  }
}

function removalOf({ contribution, judgement, duplicate }: RemovalOptions): Removal {
  if ([contribution, judgement, duplicate].filter((one) => one !== undefined).length !== 1)
    throw new PermanentError('Name one of --contribution, --judgement and --duplicate.')
  if (contribution !== undefined) return { kind: 'contribution', contributionId: contribution }
  const [first = '', second = ''] = (judgement ?? duplicate ?? '').split(':')
  if (duplicate !== undefined && first && second) return { kind: 'duplicate', original: first, duplicate: second }
  if (judgement !== undefined && first && isAddress(second, { strict: false }))
    return { kind: 'judgement', taskId: first, validator: second as Hex }
  throw new PermanentError(
    judgement === undefined
      ? '--duplicate: expected two contributions, as 3:8.'
      : '--judgement: expected a task and a validator, as 12:0x….',
  )
}
