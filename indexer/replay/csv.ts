/** Rows of a CSV text (RFC 4180): quoted fields may hold commas, quotes and line breaks. The first row names the columns. */
export function parseCsv(text: string): Record<string, string>[] {
  const [names, ...rows] = cells(text)
  return rows.map((row) => Object.fromEntries(names!.map((name, index) => [name, row[index] ?? ''])))
}

function cells(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length) {
    let cell: string
    if (text[at] === '"') {
      ;[cell, at] = quoted(text, at + 1)
    } else {
      const end = text.slice(at).search(/[,\r\n]/)
      cell = end < 0 ? text.slice(at) : text.slice(at, at + end)
      at += cell.length
    }
    row.push(cell)
    if (text[at] === ',') {
      at++
      if (at < text.length) continue
      row.push('')
    }
    while (text[at] === '\r' || text[at] === '\n') at++
    rows.push(row)
    row = []
  }
  return rows
}

function quoted(text: string, start: number): [string, number] {
  let cell = ''
  for (let at = start; ; ) {
    const end = text.indexOf('"', at)
    if (end < 0) throw new Error(`The CSV has a quote that never ends, at character ${start}`)
    cell += text.slice(at, end)
    if (text[end + 1] !== '"') return [cell, end + 1]
    cell += '"'
    at = end + 2
  }
}
