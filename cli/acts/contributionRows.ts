import { type Client, contributionEarnings, listContributions, samplePrompts } from '#client/index.ts'
import type { JsonOption } from './tell.ts'

const SHOWN = 60

/** What became of the account's samples, each with its prompt (for people, the beginning) and what it earned. */
export async function contributionRows(client: Client, { datanet, json }: JsonOption & { datanet?: bigint }) {
  const rows = await listContributions(client, { datanetId: datanet })
  const [earned, prompts] = await Promise.all([
    contributionEarnings(
      client,
      rows.map(({ id }) => id),
    ),
    samplePrompts(
      client,
      rows.map(({ contentHash }) => contentHash),
    ),
  ])
  return rows.map(({ id, ...row }) => {
    const prompt = prompts.get(row.contentHash)
    return { id, prompt: json ? prompt : beginningOf(prompt), ...row, earned: earned.get(id) ?? 0n }
  })
}

function beginningOf(prompt: string | undefined): string | undefined {
  if (prompt === undefined) return undefined
  const line = prompt.replaceAll(/\s+/g, ' ').trim()
  return `“${line.length > SHOWN ? `${line.slice(0, SHOWN - 1)}…` : line}”`
}
