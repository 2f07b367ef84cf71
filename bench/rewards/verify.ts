import { entriesOfAccount } from '#epochs/mapPages.ts'
import { mapDocument } from '#epochs/publishedFacts.ts'
import { readerOf } from '#epochs/readArtifacts.ts'
import { inIndex, LAST_EPOCH, requireRight } from './largeEpochs.ts'

/** `node --import tsx bench/rewards/verify.ts ACCOUNTS`: whether two epochs that each pay so many accounts are published and verified, and what of that is
 *  explained to one of them. Tells the memory that it took. */

const accounts = Number(process.argv[2])
if (!Number.isInteger(accounts) || accounts < 1) throw new RangeError('Name the number of accounts.')
await inIndex(accounts, async (sources) => {
  const step = async (name: string, work: () => Promise<unknown>) => {
    const began = performance.now()
    const found = await work()
    const megabytes = Math.round(process.resourceUsage().maxRSS / 1024)
    console.log(
      `${name}: ${Math.round((performance.now() - began) / 1000)} s, at most ${megabytes} MB so far`,
      found ?? '',
    )
  }
  await step('verified', () => requireRight(sources))
  await step('explained', async () => {
    const map = await mapDocument(sources, LAST_EPOCH)
    const { account } =
      (await entriesOfAccount(map, 'leaves', accountOf(accounts), readerOf(sources.artifacts)))[0] ?? {}
    return entriesOfAccount(map, 'lines', String(account), readerOf(sources.artifacts))
  })
})
process.exit(0)

/** The contributor of the last sample. */
function accountOf(n: number): string {
  return `0x${(n + 1000).toString(16).padStart(40, '0')}`
}
