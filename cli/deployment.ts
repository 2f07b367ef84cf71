import { readFile, rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { ConfigError } from '#config'
import type { Deployment } from '#contracts/deploy.ts'
import { type ContractName, contracts } from '#contracts/events.ts'
import type { Holders } from '#contracts/settings.ts'
import type { FollowedDeployment } from '#indexer/index.ts'
import { listIssues } from './explain.ts'
import { Factory } from './factories.ts'
import { HOLDER_FIELDS } from './settingFields.ts'

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address: 0x and 40 hex digits') as unknown as z.ZodType<`0x${string}`>
const wei = z.string().regex(/^\d+$/, 'expected a whole number as a decimal string').transform(BigInt)

const names = Object.keys(contracts) as ContractName[]

const HOLDERS = Object.fromEntries(Object.keys(HOLDER_FIELDS).map((name) => [name, address])) as Record<
  keyof Holders,
  typeof address
>

const shape = z.object({
  chainId: z.number().int(),
  startBlock: wei,
  addresses: z.object(Object.fromEntries(names.map((name) => [name, address])) as Record<ContractName, typeof address>),
  holders: z.object(HOLDERS),
  settings: z.record(z.string(), z.union([z.number(), wei])),
  /** Contracts whose events announce further contracts to follow; added by hand. */
  factories: z.array(Factory).optional(),
})

export type DeploymentFile = Deployment & Pick<FollowedDeployment, 'factories'>

/** Reads a deployment file. @throws ConfigError that names DEPLOYMENT, the file and what is wrong in it. */
export async function readDeployment(file: string): Promise<DeploymentFile> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EISDIR')
      throw new ConfigError(
        `DEPLOYMENT: ${file} is a folder, not a file. Docker creates a folder where a mounted file is missing: remove the folder, and write the file with \`modelcommons deploy --settings FILE --out ${file}\`.`,
        { cause },
      )
    throw new ConfigError(
      `DEPLOYMENT: cannot read ${file}. Write one with \`modelcommons deploy --settings FILE --out ${file}\`.`,
      {
        cause,
      },
    )
  }
  try {
    return shape.parse(JSON.parse(text)) as DeploymentFile
  } catch (cause) {
    const why = cause instanceof z.ZodError ? listIssues(cause.issues) : (cause as Error).message
    throw new ConfigError(
      `DEPLOYMENT: ${file} is not a deployment file (${why}). Contracts of an earlier release must be deployed again: \`modelcommons deploy --settings FILE --out ${file}\`, or for the embedded chain set MODELCOMMONS_HOME to a new folder.`,
      { cause },
    )
  }
}

export async function writeDeployment(file: string, deployment: DeploymentFile): Promise<void> {
  const text = JSON.stringify(deployment, (_, value) => (typeof value === 'bigint' ? value.toString() : value), 2)
  await writeFile(`${file}.part`, `${text}\n`)
  await rename(`${file}.part`, file)
}
