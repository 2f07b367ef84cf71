import { readFile } from 'node:fs/promises'
import type { CallReceipt, ReceiptVerdict } from '#client/index.ts'
import { ConfigError, readConfig } from '#config'
import { type ActOptions, parseJson, runAct, runOffline, runRead } from './runAct.ts'
import { tellNote } from './tell.ts'

/** `modelcommons receipt verify`: ends with 1 when the receipt is not right. */
export async function verifyReceiptFile(file: string, options: ActOptions): Promise<void> {
  const receipt = await readReceiptFile(file)
  const tell = (verdict: ReceiptVerdict) => {
    if (!verdict.valid) process.exitCode = 1
    if (verdict.unchecked)
      tellNote(`NOT PROVEN by any signature, whatever the file says: ${verdict.unchecked.join(', ')}.`, options)
    return verdict
  }
  const { apiIsNamed } = readConfig(process.env, { requireDeployment: false, signs: false })
  if (apiIsNamed || options.api || options.node)
    return runRead(options, async (client, all) => tell(await all.verifyReceipt(client, receipt)))
  await runOffline(options, async (all) => tell(await all.checkReceipt(receipt)))
  tellNote(
    `No chain was asked: compare the signer with the host of endpoint ${receipt.endpointId}, or give --api.`,
    options,
  )
}

/** `modelcommons receipt countersign` */
export const countersignReceiptFile = (file: string, options: ActOptions) =>
  runAct(options, async (client, all) => ({
    countersignature: await all.countersignReceipt(client, await readReceiptFile(file)),
  }))

async function readReceiptFile(file: string): Promise<CallReceipt> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new ConfigError(`${file} cannot be read (${cause.message}).`, { cause })
  })
  const found = parseJson(text, file) as CallReceipt | { receipt: CallReceipt } | null
  const receipt = typeof found === 'object' && found !== null && 'receipt' in found ? found.receipt : found
  if (typeof receipt !== 'object' || receipt === null) throw new ConfigError(`${file} has no receipt.`)
  return receipt
}
