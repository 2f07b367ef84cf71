import type { Sql } from '#schema/database.ts'

/** What a run leaves behind and what must be the same with and without faults, by table: one line for each row. Positions on the chain and
 *  times are left out, because answers and trainings that run side by side may end in another order. */
export type Books = Record<string, string[]>

const QUESTIONS: Record<string, string> = {
  jobs: `select id || ' ' || kind || ' ' || status || ' ' || coalesce(error->>'code', '') from job_run`,
  receipts: `select concat_ws(' ', id, consumer, channel_id, is_open, epoch, tokens_in, tokens_out, fee, answer) from receipt`,
  'credit holds': `select concat_ws(' ', id, consumer, channel_id, fee, open) from credit_hold`,
  vouchers: `select concat_ws(' ', id, ceiling, used) from signed_voucher`,
  channels: `select concat_ws(' ', id, balance, redeemed) from payment_channel where to_block is null`,
  contributions: `select concat_ws(' ', id, status, uniqueness) from contribution where to_block is null`,
  versions: `select concat_ws(' ', id, status, adapter_hash) from model_version where to_block is null`,
  manifests: `select concat_ws(' ', id, manifest_hash) from model_version where to_block is null`,
  evaluations: `select concat_ws(' ', version_id, metric, score, lower, upper, n) from evaluation where to_block is null`,
  'evaluation logs': `select concat_ws(' ', version_id, log_hash) from evaluation where to_block is null`,
  influences: `select concat_ws(' ', id, influence, weight) from version_influence`,
  attributions: `select concat_ws(' ', id, influence, similarity, share) from answer_attribution`,
  'training curves': `select concat_ws(' ', id, value) from job_metric where name <> 'tokensPerSecond'`,
  'reward maps': `select concat_ws(' ', epoch, status, root, total, funded) from reward_map where to_block is null`,
  'reward lines': `select concat_ws(' ', id, account, role, source, amount) from reward_line`,
  claims: `select concat_ws(' ', map_id, account, amount) from reward_claim where to_block is null`,
  // Whether a redemption finds its fees charged depends on times.
  ledger: `select concat_ws(' ', credit, reason, sum(amount)) from ledger_transfer where event is not null group by credit, reason`,
  events: `select concat_ws(' ', contract, name, count(*)) from chain_event where to_block is null group by contract, name`,
  // Keys of publications and redemptions depend on blocks, and so on the order of the transactions before them; those of versions and
  // evaluations have the hashes of their documents. What they did is compared above.
  transactions: `select concat_ws(' ', regexp_replace(id, '^(publish:[0-9]+|redeem|version|evaluation:[0-9]+):.*', '\\1'), status)
    from chain_transaction`,
}

export async function readBooks(sql: Sql): Promise<Books> {
  const books: Books = {}
  for (const [name, question] of Object.entries(QUESTIONS))
    books[name] = (await sql.query(`${question} order by 1`)).rows.map((row) => String(Object.values(row)[0]))
  return books
}

/** The tables of documents that name the program which wrote them. */
export const TABLES_OF_A_RELEASE = ['manifests', 'evaluation logs']

/** The lines that are only in one of the books, at most five of each table. */
export function bookDifferences(expected: Books, found: Books, except: readonly string[] = []): string[] {
  const names = Object.keys(QUESTIONS).filter((name) => !except.includes(name))
  return names.flatMap((name) => {
    const [left, right] = [[...(expected[name] ?? [])], [...(found[name] ?? [])]]
    const missing = left.filter((line) => !right.includes(line))
    const surplus = right.filter((line) => !left.includes(line))
    const doubled = right.filter((line, place) => right.indexOf(line) !== place)
    return [
      ...missing.map((line) => `${name}, missing: ${line}`),
      ...surplus.map((line) => `${name}, not in the undisturbed run: ${line}`),
      ...(doubled.length > left.filter((line, place) => left.indexOf(line) !== place).length
        ? [`${name}, doubled: ${doubled[0]}`]
        : []),
    ].slice(0, 5)
  })
}
