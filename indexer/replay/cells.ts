import type { AbiParameter } from 'viem'

/** Cells of a CSV file as values of ABI types: bytes are hex, with or without `0x`; arrays and tuples are bracketed lists, in which texts may be
 *  quoted as in JSON. */

/** The value of a cell. @throws Error that says what was expected. */
export function valueOfCell(parameter: AbiParameter, cell: string): unknown {
  if (!/\[\d*\]$|^tuple$/.test(parameter.type)) return plain(parameter.type, cell)
  const list = new ListReader(cell)
  const value = listed(parameter, list.item())
  list.end()
  return value
}

/** A text, or a list of items. */
type Item = string | Item[]

function listed(parameter: AbiParameter, item: Item): unknown {
  const [, inner, size] = /^(.*)\[(\d*)\]$/.exec(parameter.type) ?? []
  if (inner === undefined && parameter.type !== 'tuple') {
    if (typeof item !== 'string') throw new Error(`expected one ${parameter.type}, not a list`)
    return plain(parameter.type, item)
  }
  if (typeof item === 'string') throw new Error(`expected a list in brackets, not ${shown(item)}`)
  if (inner !== undefined) {
    if (size && item.length !== Number(size)) throw new Error(`expected ${size} items, not ${item.length}`)
    return item.map((one) => listed({ ...parameter, type: inner }, one))
  }
  const { components = [] } = parameter as { components?: readonly AbiParameter[] }
  if (item.length !== components.length)
    throw new Error(`expected a tuple of ${components.length} items, not ${item.length}`)
  const values = components.map((component, index) => listed(component, item[index] ?? ''))
  return components.every(({ name }) => name)
    ? Object.fromEntries(components.map(({ name }, index) => [name, values[index]]))
    : values
}

const shown = (text: string) => (text === '' ? 'an empty cell' : JSON.stringify(text.slice(0, 80)))

function plain(type: string, cell: string): unknown {
  const no = (expected: string) => new Error(`expected ${expected}, not ${shown(cell)}`)
  const [, sign, bits] = /^(u?)int(\d*)$/.exec(type) ?? []
  if (sign !== undefined) {
    if (!/^-?\d+$/.test(cell)) throw no('a whole number')
    const size = Number(bits || 256)
    const value = BigInt(cell)
    if ((sign ? BigInt.asUintN(size, value) : BigInt.asIntN(size, value)) !== value) throw no(`an ${type}`)
    return size <= 48 ? Number(value) : value
  }
  if (type === 'address') {
    if (!/^0x[0-9a-f]{40}$/i.test(cell)) throw no('an address: 0x and 40 hex digits')
    return cell.toLowerCase()
  }
  if (type === 'bool') {
    if (!/^(true|false)$/i.test(cell)) throw no('true or false')
    return cell.toLowerCase() === 'true'
  }
  const [bytes, length] = /^bytes(\d*)$/.exec(type) ?? []
  if (bytes !== undefined) {
    const digits = cell.replace(/^0x/, '')
    if (!/^([0-9a-f]{2})*$/i.test(digits)) throw no('bytes as hex')
    if (length && digits.length !== Number(length) * 2) throw no(`${length} bytes as hex`)
    return `0x${digits}`
  }
  if (type !== 'string') throw new Error(`values of the type ${type} cannot be read`)
  return cell
}

/** Reads `[1, 0b3d, "a text", [true, false]]`; tuples may have round brackets. An item may be empty, as empty bytes are. */
class ListReader {
  private at = 0

  constructor(private readonly text: string) {}

  item(): Item {
    this.space()
    const open = this.text[this.at]
    if (open === '[' || open === '(') return this.list(open === '[' ? ']' : ')')
    if (open === '"') {
      const [quoted] = /^"(?:[^"\\]|\\.)*"/s.exec(this.text.slice(this.at)) ?? []
      if (quoted === undefined) throw new Error('a quoted text in the list has no end')
      this.at += quoted.length
      return readQuoted(quoted)
    }
    const [bare = ''] = /^[^[\](),"]*/.exec(this.text.slice(this.at)) ?? []
    this.at += bare.length
    return bare.trim()
  }

  end() {
    this.space()
    if (this.at < this.text.length) throw new Error(`${shown(this.text.slice(this.at))} stands after the list`)
  }

  private list(close: string): Item[] {
    this.at++
    const items: Item[] = []
    this.space()
    if (this.text[this.at] === close) {
      this.at++
      return items
    }
    for (;;) {
      items.push(this.item())
      this.space()
      const next = this.text[this.at++]
      if (next === close) return items
      if (next !== ',')
        throw new Error(`expected , or ${close} in the list, not ${next === undefined ? 'its end' : shown(next)}`)
    }
  }

  private space() {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++
  }
}

function readQuoted(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    throw new Error(`the text ${quoted.slice(0, 80)} in the list is not written as in JSON`)
  }
}
