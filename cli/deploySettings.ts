import { readFile } from 'node:fs/promises'
import { parseEther } from 'viem'
import { z } from 'zod'
import { ConfigError } from '#config'
import { contradictionsOf, type Holders, type Settings } from '#contracts/settings.ts'
import { type FieldKind, HOLDER_FIELDS, SETTING_FIELDS } from './settingFields.ts'

/** The settings of a deployment, from a file that names every one of them: a chain with other people's money has no defaults. */

const UNIT_SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 } as const

const READERS = {
  duration: z
    .string('expected a duration such as "2 days"')
    .regex(/^\d{1,9} (second|minute|hour|day|week)s?$/, 'expected a duration such as "2 days"')
    .transform((text) => {
      const [count, unit = ''] = text.split(' ')
      return Number(count) * UNIT_SECONDS[unit.replace(/s$/, '') as keyof typeof UNIT_SECONDS]
    }),
  blocks: z
    .string('expected a number of blocks such as "7200 blocks"')
    .regex(/^\d{1,9} blocks?$/, 'expected a number of blocks such as "7200 blocks"')
    .transform((text) => Number.parseInt(text, 10)),
  amount: z
    .string('expected an amount such as "100 gOPEN"')
    .regex(/^\d{1,12}(\.\d{1,18})? gOPEN$/, 'expected an amount such as "100 gOPEN"')
    .transform((text) => parseEther(text.replace(' gOPEN', ''))),
  percent: z.int('expected a whole number from 0 to 100').min(0).max(100),
} satisfies Record<FieldKind, z.ZodType>

const account = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address: 0x and 40 hex digits')

const shape = z.strictObject({
  holders: z.strictObject(mapValues(HOLDER_FIELDS, () => account)),
  settings: z.strictObject(mapValues(SETTING_FIELDS, ([kind]): z.ZodType => READERS[kind])),
})

/** Reads a settings file. @throws ConfigError that names every field that cannot be used, why, and what to do. */
export async function readDeploySettings(file: string): Promise<{ holders: Holders; settings: Settings }> {
  let given: unknown
  try {
    given = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new ConfigError(`--settings: ${file} cannot be read as JSON: ${(cause as Error).message}`, { cause })
  }
  const parsed = shape.safeParse(given)
  const faults = parsed.success
    ? contradictionsOf(parsed.data.settings as Settings, parsed.data.holders as Holders).map(
        ({ field, message }) => `${field in HOLDER_FIELDS ? 'holders' : 'settings'}.${field} ${message}`,
      )
    : parsed.error.issues.map((issue) => faultOf(issue, given))
  if (!parsed.success || faults.length > 0)
    throw new ConfigError(`--settings: ${file} cannot be used:\n  ${faults.join('\n  ')}`)
  return { holders: parsed.data.holders as Holders, settings: parsed.data.settings as Settings }
}

function faultOf({ path, message, ...issue }: z.core.$ZodIssue, given: unknown): string {
  if (issue.code === 'unrecognized_keys')
    return `${[...path, issue.keys.join(', ')].join('.')}: there is no such field.`
  const value = path.reduce((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], given)
  return `${path.join('.')}: ${value === undefined ? 'is missing; ' : ''}${message}.`
}

function mapValues<K extends string, V, W>(from: Record<K, V>, map: (value: V) => W): Record<K, W> {
  return Object.fromEntries(Object.entries<V>(from).map(([key, value]) => [key, map(value)])) as Record<K, W>
}
