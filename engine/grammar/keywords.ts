/** The supported keywords of a JSON Schema. */
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

/** A schema that is not supported. The message names the path and the keyword. */
export class SchemaError extends Error {
  override name = 'SchemaError'
  constructor(path: string, what: string) {
    super(`The schema at ${path} ${what}.`)
  }
}

const TYPES = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']
/** Annotations: keywords that do not affect validation. */
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
/** Keywords that exclude other keywords, each with the ones that it allows beside it. */
const EXCLUSIVE: Readonly<Record<string, readonly string[]>> = {
  $ref: [],
  const: [],
  enum: ['type'],
  anyOf: [],
  oneOf: [],
}
/** Keywords that apply to one type only. */
const TYPE_OF_KEYWORD: Readonly<Record<string, string>> = {
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

/** @throws SchemaError that names the first keyword that is unknown, misplaced or malformed. */
export function checkKeywords(schema: Schema, path: string): void {
  const refuse = (what: string): never => {
    throw new SchemaError(path, what)
  }
  const words = Object.keys(schema).filter((word) => !ANNOTATIONS.includes(word))
  const exclusive = words.find((word) => word in EXCLUSIVE)
  const types = typesOf(schema)
  for (const word of words) {
    if (word !== 'type' && !(word in EXCLUSIVE) && !(word in TYPE_OF_KEYWORD))
      refuse(`uses ${word}, which is not supported: remove it, or use other keywords`)
    if (exclusive && word !== exclusive && !EXCLUSIVE[exclusive]?.includes(word))
      refuse(`has ${word} beside ${exclusive}, which is not supported: ${exclusive} must be the only keyword`)
    const owner = TYPE_OF_KEYWORD[word]
    if (owner && !types.includes(owner)) refuse(`has ${word} but not the type ${owner}; add the type`)
  }
  const type = types.find((each) => !TYPES.includes(each))
  if (type !== undefined || (schema.type !== undefined && types.length === 0))
    refuse(`has the type ${JSON.stringify(type ?? schema.type)}; the types are ${TYPES.join(', ')}`)
  for (const word of ['minItems', 'maxItems', 'minLength', 'maxLength'] as const) {
    const value = schema[word]
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      refuse(`has ${word} ${value}; it must be an integer from 0`)
  }
  if (schema.maxLength !== undefined && schema.maxLength < (schema.minLength ?? 0))
    refuse(`wants strings of at least ${schema.minLength} and at most ${schema.maxLength} characters`)
  for (const word of ['enum', 'anyOf', 'oneOf', 'required'] as const) {
    const value = schema[word]
    if (value !== undefined && !(Array.isArray(value) && (word === 'required' || value.length > 0)))
      refuse(`has ${word} that is not a list`)
  }
  if (schema.properties !== undefined && !isSchema(schema.properties)) refuse('has properties that are not an object')
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== false)
    refuse('has additionalProperties other than false, which is not supported: list every property')
}

/** The definition that a reference names. @throws SchemaError when there is none. */
export function resolveReference(reference: unknown, root: unknown, path: string): unknown {
  if (reference === '#') return root
  const [, keyword = '', pointer = ''] =
    (typeof reference === 'string' && /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference)) || []
  const definitions = (root as Record<string, unknown>)[keyword]
  const name = pointer.replaceAll('~1', '/').replaceAll('~0', '~')
  if (!isSchema(definitions) || !Object.hasOwn(definitions, name))
    throw new SchemaError(
      path,
      `refers to ${JSON.stringify(reference)}; a $ref must name a definition in $defs of the same schema`,
    )
  return (definitions as Record<string, unknown>)[name]
}

export function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isSchema(value)
  return type === 'integer' ? Number.isInteger(value) : typeof value === type
}
