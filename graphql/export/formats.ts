import type { Column } from './columns.ts'

/** A text format for rows. */
export interface Format {
  contentType: string
  /** The text before the first row. */
  head(columns: readonly Column[]): string
  row(columns: readonly Column[], row: Record<string, unknown>): string
}

/** JSON Lines: one JSON object per line, as the query would return it. */
export const jsonLines: Format = {
  contentType: 'application/jsonl; charset=utf-8',
  head: () => '',
  row: (_columns, row) => `${JSON.stringify(row)}\n`,
}

/** CSV according to RFC 4180, with a header. Null is an empty field and an empty text is `""`; lists and objects are JSON. With `spreadsheet`,
 *  a text that a spreadsheet would run as a formula gets a leading apostrophe. */
export const csv = ({ spreadsheet }: { spreadsheet: boolean }): Format => ({
  contentType: 'text/csv; charset=utf-8; header=present',
  head: (columns) => line(columns.map(({ name }) => quoted(name))),
  row: (columns, row) =>
    line(
      columns.map(({ path }) => {
        const text = textOf(valueAt(row, path))
        return text === null ? '' : quoted(spreadsheet && FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text)
      }),
    ),
})

const FORMULA = /^[=+\-@\t\r]/
const NUMBER = /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/i

const line = (cells: readonly string[]) => `${cells.join(',')}\r\n`

const quoted = (text: string) =>
  text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

function valueAt(row: Record<string, unknown>, path: readonly string[]): unknown {
  let value: unknown = row
  for (const key of path) value = (value as Record<string, unknown> | null | undefined)?.[key]
  return value
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
