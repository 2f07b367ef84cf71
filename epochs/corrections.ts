import { bigintMin } from '#rules/bps.ts'
import type { Debt, EpochFacts } from '#rules/epochFacts.ts'
import { Dispute } from '#schema/onchain/disputes.ts'
import type { MapEntry } from '#schema/rewardMapDocument.ts'
import { rowsOf } from '#schema/rows.ts'
import type { EpochBlocks, FactSources } from './epochSources.ts'
import { PageError } from './mapPages.ts'
import { publishedMap } from './previousMap.ts'
import type { ArtifactReader } from './readArtifacts.ts'

/** The debts that upheld disputes leave (rules 10 and 12): what earlier maps paid for a contribution or a judgement is owed to the treasury, from the
 *  epoch on in whose blocks the dispute was resolved. A map whose document is absent, or is not the map on the chain, names no payments; the
 *  lines of a false one may name any amount, so that the fees of the epochs before limit a debt. */
export async function newDebts(
  sources: FactSources,
  { epoch, fromBlock, toBlock }: EpochBlocks,
  read: ArtifactReader,
): Promise<EpochFacts['corrections']> {
  const upheld = await rowsOf(
    sources.sql,
    Dispute,
    `outcome = 'Upheld' and subject in ('Contribution', 'Judgement') and from_block between $1 and $2`,
    [fromBlock, toBlock],
    { block: toBlock, orderBy: 'id::numeric' },
  )
  if (upheld.length === 0) return []
  const paid = new Map<string, Payments>(upheld.map((one) => [`${one.subject} ${one.subjectId}`, new Map()]))
  for (let before = 1; before < epoch; before++)
    for (const [subject, payments] of await paymentsOf(sources, before, read, new Set(paid.keys())))
      for (const [account, sum] of payments) add(paid.get(subject), account, sum)
  const fees = await feesBefore(sources, epoch)
  return upheld
    .flatMap(({ id, subject, subjectId }) =>
      [...(paid.get(`${subject} ${subjectId}`) ?? [])].map(
        ([account, sum]): Debt => ({
          account: account as `0x${string}`,
          amount: bigintMin(sum, fees),
          to: null,
          reason: `the upheld dispute ${id}`,
        }),
      ),
    )
    .filter(({ amount }) => amount > 0n)
}

/** Wei by account. */
type Payments = Map<string, bigint>

/** What the lines of a map paid for these subjects. A map with a page of lines that is none has no lines. */
async function paymentsOf(
  sources: FactSources,
  epoch: number,
  read: ArtifactReader,
  subjects: ReadonlySet<string>,
): Promise<Map<string, Payments>> {
  const paid = new Map<string, Payments>([...subjects].map((subject) => [subject, new Map()]))
  const map = await publishedMap(sources, epoch, read)
  if (!map) return new Map()
  try {
    for await (const part of map.lines())
      for (const line of part) add(paid.get(subjectOf(line)), line.account, BigInt(line.amount))
    return paid
  } catch (error) {
    if (error instanceof PageError) return new Map()
    throw error
  }
}

const add = (payments: Payments | undefined, account: string, amount: bigint) =>
  payments?.set(account, (payments.get(account) ?? 0n) + amount)

async function feesBefore({ sql }: FactSources, epoch: number): Promise<bigint> {
  const { rows } = await sql.query<{ fees: bigint }>(
    'select coalesce(sum(amount), 0) as fees from redemption where epoch < $1 and to_block is null',
    [epoch],
  )
  return rows[0]?.fees ?? 0n
}

/** For what an amount was paid, as disputes name it. A judgement's id is `task-validator`. */
function subjectOf({ source, account }: MapEntry<'lines'>): string {
  if (source.kind === 'contribution') return `Contribution ${source.id}`
  return source.kind === 'task' ? `Judgement ${source.id}-${account}` : ''
}
