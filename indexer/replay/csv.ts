import { parse } from 'csv-parse/sync'

/** Rows of a CSV text (RFC 4180) by column name; the first row holds the names. Line ends may be mixed.
 *  @throws CsvError naming the line of an unclosed quote, or of a row with more or fewer cells than columns. */
export const parseCsv = (text: string): Record<string, string>[] =>
  parse(text, { columns: true, bom: true, skip_empty_lines: true, record_delimiter: ['\r\n', '\n', '\r'] })
