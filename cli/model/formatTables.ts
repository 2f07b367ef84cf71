import type { z } from 'zod'
import { formatFields } from '#model/fields.ts'
import { modelYaml, scorersYaml } from '#model/format.ts'
import { FILES } from '#model/readFolder.ts'

/** The files whose keys a format fixes. */
export const FORMATS: Readonly<Record<string, z.ZodType>> = { [FILES.model]: modelYaml, [FILES.scorers]: scorersYaml }

/** The format as Markdown: a table for each file. */
export function formatTables(): string {
  return Object.entries(FORMATS)
    .map(
      ([file, shape]) =>
        `### \`${file}\`\n\n| key | | meaning |\n|---|---|---|\n${formatFields(shape).map(row).join('\n')}\n`,
    )
    .join('\n')
}

const row = ({ path, required, description = '' }: ReturnType<typeof formatFields>[number]) =>
  `| \`${path}\` | ${required ? '' : 'optional'} | ${description.replaceAll('|', '\\|')} |`
