import { inGOpen } from '#client/amounts.ts'
import { type Client, contribute, sampleTerms } from '#client/index.ts'
import type { SampleColumns } from '#model/sampleFile.ts'
import { readSamples } from './readSamples.ts'
import type { ActOptions } from './runAct.ts'
import { tellNote } from './tell.ts'

export interface ContributeOptions extends ActOptions {
  datanet: bigint
  stake?: bigint
  columns?: SampleColumns
}

/** Gives the samples of a file to a datanet, and tells before under which terms. */
export async function contributeFile(client: Client, file: string, options: ContributeOptions) {
  const { datanet: datanetId, columns, stake: stakeEach } = options
  const { licence, requirements, scoringFee } = await sampleTerms(client, datanetId)
  const { samples, copies } = await readSamples(file, { requirements, columns })
  if (copies > 0) tellNote(`${copies} of the samples stand in the file before, and are left out.`, options)
  tellNote(`The samples are given under ${licence}.`, options)
  if (scoringFee > 0n)
    tellNote(`A sample that is rejected, such as a copy, loses ${inGOpen(scoringFee)} of its stake.`, options)
  const { ids, submitted } = await contribute(client, { datanetId, samples, stakeEach })
  return { submitted, givenBefore: ids.size - submitted }
}
