import { parse } from 'csv-parse/sync'

/** A table as text: the first row of a CSV file holds the names of its columns. */
export interface CsvTable {
  columns: string[]
  rows: string[][]
}

/** Reads a CSV text (RFC 4180), whose line ends may be mixed; empty lines are no rows.
 *  @throws Error naming the line of an unclosed quote, a column that is named twice, or the row with more or fewer cells than columns. */
export function parseCsv(text: string): CsvTable {
  const [columns, ...rows]: string[][] = parse(text, {
    bom: true,
    skip_empty_lines: true,
    relax_column_count: true,
    record_delimiter: ['\r\n', '\n', '\r'],
  })
  if (!columns) throw new Error('it is empty: its first row names the columns')
  const twice = columns.find((name, index) => columns.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`row 1: two columns are named ${twice}`)
  for (const [index, row] of rows.entries()) {
    if (row.length === columns.length) continue
    const missing = row.length < columns.length ? `: it has none in column ${columns[row.length]}` : ''
    throw new Error(`row ${index + 2} has ${row.length} cells, but there are ${columns.length} columns${missing}`)
  }
  return { columns, rows }
}
