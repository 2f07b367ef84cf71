/** A schema's keywords, as far as grammars know them. */
export interface Schema {
  type?: string | readonly string[]
  properties?: Readonly<Record<string, unknown>>
  required?: readonly string[]
  additionalProperties?: unknown
  items?: unknown
  minItems?: number
  maxItems?: number
  minLength?: number
  maxLength?: number
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: readonly unknown[]
  oneOf?: readonly unknown[]
  $ref?: string
}

/** A schema that cannot become a grammar; the message names the place and the keyword. */
export class SchemaError extends Error {
  override name = 'SchemaError'
  constructor(path: string, what: string) {
    super(`The schema at ${path} ${what}.`)
  }
}

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']
/** Keywords that say nothing about what is valid. */
const ANNOTATIONS = [
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
]
/** Keywords that decide alone, and those that may stand beside each. */
const EXCLUSIVE: Readonly<Record<string, readonly string[]>> = {
  $ref: [],
  const: [],
  enum: ['type'],
  anyOf: [],
  oneOf: [],
}
/** Keywords that belong to a type. */
const OF_TYPE: Readonly<Record<string, string>> = {
  properties: 'object',
  required: 'object',
  additionalProperties: 'object',
  items: 'array',
  minItems: 'array',
  maxItems: 'array',
  minLength: 'string',
  maxLength: 'string',
}

export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const typesOf = ({ type }: Schema): readonly string[] => (typeof type === 'string' ? [type] : (type ?? []))

/** @throws SchemaError naming the first keyword that is unknown, out of place or of the wrong form. */
export function checkKeywords(schema: Schema, path: string): void {
  const refuse = (what: string): never => {
    throw new SchemaError(path, what)
  }
  const words = Object.keys(schema).filter((word) => !ANNOTATIONS.includes(word))
  const alone = words.find((word) => word in EXCLUSIVE)
  const types = typesOf(schema)
  for (const word of words) {
    if (word !== 'type' && !(word in EXCLUSIVE) && !(word in OF_TYPE))
      refuse(`uses ${word}, which is not supported: leave it out, or say it in other keywords`)
    if (alone && word !== alone && !EXCLUSIVE[alone]!.includes(word))
      refuse(`has ${word} beside ${alone}, which is not supported: ${alone} stands alone`)
    const owner = OF_TYPE[word]
    if (owner && !types.includes(owner)) refuse(`has ${word} but not the type ${owner}; name its type`)
  }
  const type = types.find((each) => !TYPES.includes(each))
  if (type !== undefined || (schema.type !== undefined && types.length === 0))
    refuse(`has the type ${JSON.stringify(type ?? schema.type)}; the types are ${TYPES.join(', ')}`)
  for (const word of ['minItems', 'maxItems', 'minLength', 'maxLength'] as const) {
    const value = schema[word]
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      refuse(`has ${word} ${value}; it is a whole number from 0`)
  }
  if (schema.maxLength !== undefined && schema.maxLength < (schema.minLength ?? 0))
    refuse(`wants strings of at least ${schema.minLength} and at most ${schema.maxLength} characters`)
  for (const word of ['enum', 'anyOf', 'oneOf', 'required'] as const) {
    const value = schema[word]
    if (value !== undefined && !(Array.isArray(value) && (word === 'required' || value.length > 0)))
      refuse(`has ${word} that is no list`)
  }
  if (schema.properties !== undefined && !isSchema(schema.properties)) refuse('has properties that are no object')
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== false)
    refuse('has additionalProperties other than false, which is not supported: name every property')
}

/** What a reference within the schema stands for. */
export function resolveReference(reference: unknown, root: unknown, path: string): unknown {
  if (reference === '#') return root
  const match = typeof reference === 'string' ? /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) : null
  const definitions = match && (root as Record<string, unknown>)[match[1]!]
  const name = match?.[2]?.replaceAll('~1', '/').replaceAll('~0', '~')
  if (!isSchema(definitions) || !Object.hasOwn(definitions, name!))
    throw new SchemaError(
      path,
      `refers to ${JSON.stringify(reference)}; a $ref names something in $defs of the same schema`,
    )
  return (definitions as Record<string, unknown>)[name!]
}

export function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isSchema(value)
  return type === 'integer' ? Number.isInteger(value) : typeof value === type
}
