/** The part of PromQL that our alarms use, evaluated over the scrapes of one run:
 *  https://prometheus.io/docs/prometheus/latest/querying/basics/. The range of `increase` and `rate` is the whole run. */

export interface Series {
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

/** All series of one moment. */
export type Scrape = readonly Series[]

const TOKEN = /\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?|[A-Za-z_]\w*|"[^"]*"|==|!=|>=|<=|\[[^\]]*\]|[(){},=<>*/+-])/y

/** The series that satisfy `expression` at the last scrape: empty when its alarm does not fire. @throws Error where it uses anything else. */
export function evaluateRule(expression: string, scrapes: readonly Scrape[]): Series[] {
  const result = new Evaluator(expression, scrapes).whole()
  return Array.isArray(result) ? result : [{ name: '', labels: {}, value: result }]
}

type Value = Series[] | number

const COMPARISONS: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
}
const ARITHMETIC: Record<string, (a: number, b: number) => number> = { '*': (a, b) => a * b, '/': (a, b) => a / b }
const AGGREGATIONS: Record<string, (values: number[]) => number> = {
  max: (values) => Math.max(...values),
  min: (values) => Math.min(...values),
  sum: (values) => values.reduce((total, one) => total + one, 0),
}

class Evaluator {
  private readonly tokens: string[] = []
  private at = 0

  constructor(
    private readonly text: string,
    private readonly scrapes: readonly Scrape[],
  ) {
    TOKEN.lastIndex = 0
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const [, token] = TOKEN.exec(text) ?? []
      if (token === undefined) throw new Error(`PromQL that is not understood: ${text}`)
      this.tokens.push(token)
    }
  }

  whole(): Value {
    const value = this.union()
    if (this.at < this.tokens.length) throw new Error(`PromQL that is not understood: ${this.text}`)
    return value
  }

  private union(): Value {
    let value = this.comparison()
    while (this.take('or')) {
      const other = this.comparison()
      value = [...(Array.isArray(value) ? value : []), ...(Array.isArray(other) ? other : [])]
    }
    return value
  }

  private comparison(): Value {
    const left = this.product()
    const holds = COMPARISONS[this.tokens[this.at] ?? '']
    if (!holds) return left
    this.at++
    const right = this.product()
    return combined(left, right, (a, b) => (holds(a, b) ? a : undefined))
  }

  private product(): Value {
    let value = this.operand()
    for (;;) {
      const compute = ARITHMETIC[this.tokens[this.at] ?? '']
      if (!compute) return value
      this.at++
      value = combined(value, this.operand(), compute)
    }
  }

  private operand(): Value {
    const token = this.next()
    if (token === '(') return this.closed(this.union())
    if (/^\d/.test(token)) return Number(token)
    const aggregate = AGGREGATIONS[token]
    if (aggregate) return this.aggregation(aggregate)
    if (token === 'absent') {
      this.expect('(')
      const found = this.closed(this.union())
      return Array.isArray(found) && found.length === 0 ? [{ name: '', labels: {}, value: 1 }] : []
    }
    if (token === 'increase' || token === 'rate') {
      this.expect('(')
      return this.closed(this.growth(this.next()))
    }
    return select(this.scrapes.at(-1) ?? [], token, this.matchers())
  }

  private aggregation(aggregate: (values: number[]) => number): Series[] {
    const by: string[] = []
    if (this.take('by')) {
      this.expect('(')
      while (!this.take(')')) if (!this.take(',')) by.push(this.next())
    }
    this.expect('(')
    const value = this.closed(this.union())
    const groups = new Map<string, Series[]>()
    for (const one of Array.isArray(value) ? value : []) {
      const key = JSON.stringify(by.map((label) => one.labels[label]))
      groups.set(key, [...(groups.get(key) ?? []), one])
    }
    return [...groups.values()].map((group) => ({
      name: '',
      labels: Object.fromEntries(by.map((label) => [label, group[0]?.labels[label] ?? ''])),
      value: aggregate(group.map((one) => one.value)),
    }))
  }

  /** The growth of counters over all scrapes; one that began again counts from zero. */
  private growth(name: string): Series[] {
    const matchers = this.matchers()
    this.next() // the range
    const grown = new Map<string, { series: Series; last: number }>()
    for (const scrape of this.scrapes)
      for (const one of select(scrape, name, matchers)) {
        const key = JSON.stringify(one.labels)
        const known = grown.get(key)
        if (!known) grown.set(key, { series: { ...one, value: 0 }, last: one.value })
        else {
          known.series.value += one.value < known.last ? one.value : one.value - known.last
          known.last = one.value
        }
      }
    return [...grown.values()].map(({ series }) => series)
  }

  private matchers(): [label: string, equal: boolean, value: string][] {
    const found: [string, boolean, string][] = []
    if (!this.take('{')) return found
    while (!this.take('}')) {
      if (this.take(',')) continue
      const label = this.next()
      const operator = this.next()
      found.push([label, operator === '=', this.next().slice(1, -1)])
    }
    return found
  }

  private next(): string {
    return this.tokens[this.at++] ?? ''
  }

  private take(token: string): boolean {
    if (this.tokens[this.at] !== token) return false
    this.at++
    return true
  }

  private expect(token: string) {
    if (!this.take(token)) throw new Error(`PromQL that is not understood: ${this.text}`)
  }

  private closed<T>(value: T): T {
    this.expect(')')
    return value
  }
}

const select = (scrape: Scrape, name: string, matchers: readonly [string, boolean, string][]) =>
  scrape.filter(
    (one) =>
      one.name === name && matchers.every(([label, equal, value]) => ((one.labels[label] ?? '') === value) === equal),
  )

/** Joins two values, series with equal labels to each other, and leaves out the pairs without a result. */
function combined(left: Value, right: Value, join: (a: number, b: number) => number | undefined): Value {
  if (!Array.isArray(left)) {
    if (!Array.isArray(right)) return join(left, right) ?? []
    return right.flatMap((one) => {
      const value = join(left, one.value)
      return value === undefined ? [] : [{ ...one, value }]
    })
  }
  return left.flatMap((one) => {
    const other = Array.isArray(right) ? right.find(({ labels }) => sameLabels(labels, one.labels))?.value : right
    const value = other === undefined ? undefined : join(one.value, other)
    return value === undefined ? [] : [{ ...one, value }]
  })
}

const sameLabels = (one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>) =>
  Object.keys({ ...one, ...other }).every((label) => one[label] === other[label])

const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g

/** The series of a text in Prometheus' exposition format. */
export function parseMetrics(text: string): Series[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
    if (!name || line.startsWith('#')) return []
    const pairs = [...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text])
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
}
