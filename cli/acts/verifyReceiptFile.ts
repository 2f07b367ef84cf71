import { readFile } from 'node:fs/promises'
import type { CallReceipt } from '#client/index.ts'
import { ConfigError } from '#config'
import { type ActOptions, parseJson, runRead } from './runAct.ts'

/** `modelcommons receipt verify`: ends with 1 when the receipt is not right. */
export const verifyReceiptFile = (file: string, options: ActOptions) =>
  runRead(options, async (client, all) => {
    const text = await readFile(file, 'utf8').catch((cause) => {
      throw new ConfigError(`${file} cannot be read (${cause.message}).`, { cause })
    })
    const found = parseJson(text, file) as CallReceipt | { receipt: CallReceipt }
    const verdict = await all.verifyReceipt(client, 'receipt' in found ? found.receipt : found)
    if (!verdict.valid) process.exitCode = 1
    return verdict
  })
