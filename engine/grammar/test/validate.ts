import { must } from '#test/must.ts'

// A schema can be any JSON value; each check knows the form of its keyword.
// biome-ignore lint/suspicious/noExplicitAny: JSON of any form
type Json = any
type Schema = Record<string, Json>

/** Validates a value by JSON Schema 2020-12, written from the specification for the supported keywords. */
export function validates(schema: unknown, value: Json, root: unknown = schema): boolean {
  if (typeof schema === 'boolean') return schema
  const s = schema as Schema
  const checks: Record<string, (given: Json) => boolean> = {
    $ref: (ref: string) => {
      const target = ref
        .slice(2)
        .split('/')
        .filter(Boolean)
        .reduce((at: Json, part) => at[part], root)
      return validates(target, value, root)
    },
    type: (types: string | string[]) =>
      [types].flat().includes(typeOf(value)) || ([types].flat().includes('number') && typeOf(value) === 'integer'),
    enum: (values: unknown[]) => values.some((each) => JSON.stringify(each) === JSON.stringify(value)),
    const: (each: unknown) => JSON.stringify(each) === JSON.stringify(value),
    anyOf: (all: unknown[]) => all.some((each) => validates(each, value, root)),
    oneOf: (all: unknown[]) => all.filter((each) => validates(each, value, root)).length === 1,
    properties: (all: Schema) =>
      !isObject(value) || Object.keys(all).every((name) => !(name in value) || validates(all[name], value[name], root)),
    required: (names: string[]) => !isObject(value) || names.every((name) => name in value),
    additionalProperties: () => !isObject(value) || Object.keys(value).every((name) => name in (s.properties ?? {})),
    items: (each: unknown) => !Array.isArray(value) || value.every((item) => validates(each, item, root)),
    minItems: (n: number) => !Array.isArray(value) || value.length >= n,
    maxItems: (n: number) => !Array.isArray(value) || value.length <= n,
    minLength: (n: number) => typeof value !== 'string' || [...value].length >= n,
    maxLength: (n: number) => typeof value !== 'string' || [...value].length <= n,
    $defs: () => true,
    description: () => true,
  }
  return Object.entries(s).every(([word, given]) => must(checks[word], word)(given))
}

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}
