import 'reflect-metadata'
import { Field, Float, ID, InputType, Int } from 'type-graphql'
import { ADDRESS_FORM, isAddressText } from './address.ts'
import { describedEnum } from './describedEnums.ts'
import { PermanentError } from './errors.ts'

/** Inputs of jobs, which are also inputs of mutations. One decorated class defines the GraphQL input type, the TypeScript type, and the bounds
 *  that the API and the worker check. */

export type InputClass<T extends object = object> = new () => T

interface Bounds {
  kind: 'id' | 'address' | 'text' | 'texts' | 'json' | 'int' | 'real' | 'flag' | 'choice'
  optional: boolean
  fallback?: unknown
  min?: number
  max?: number
  values?: readonly string[]
  pattern?: RegExp
}

const fields = new Map<InputClass, Map<string, Bounds>>()

interface Options {
  default?: unknown
  optional?: boolean
  min?: number
  max?: number
  /** The form of a text. */
  pattern?: RegExp
}

const GRAPHQL = {
  id: () => ID,
  address: () => String,
  text: () => String,
  texts: () => [String],
  json: () => String,
  int: () => Int,
  real: () => Float,
  flag: () => Boolean,
}

/** What the bounds of a kind count. */
const UNITS: Partial<Record<Bounds['kind'], string>> = {
  id: ' characters',
  text: ' characters',
  json: ' characters',
  texts: ' texts',
}

function rangeText(min: number | undefined, max: number | undefined, unit: string): string {
  if (min !== undefined && max !== undefined) return ` From ${min} to ${max}${unit}.`
  if (max !== undefined) return ` At most ${max}${unit}.`
  return min === undefined ? '' : ` At least ${min}${unit}.`
}

function input(
  kind: Bounds['kind'],
  description: string,
  options: Options,
  values?: readonly string[],
  type?: () => object,
) {
  return (target: object, key: string | symbol) => {
    const owner = target.constructor as InputClass
    const optional = options.optional ?? options.default !== undefined
    const known = fields.get(owner) ?? new Map<string, Bounds>()
    const { default: fallbackValue, min, max, pattern } = options
    known.set(String(key), { kind, optional, fallback: fallbackValue, min, max, values, pattern })
    fields.set(owner, known)
    const range = rangeText(min, max, UNITS[kind] ?? '')
    const fallback = options.default !== undefined ? ` Default ${JSON.stringify(options.default)}.` : ''
    Field((type ?? GRAPHQL[kind as keyof typeof GRAPHQL]) as () => typeof String, {
      nullable: optional,
      description: description + range + fallback,
    })(target, key)
  }
}

export const IdInput = (description: string, options: Options = {}) =>
  input('id', description, { max: 200, ...options })
export const AddressInput = (description: string, options: Options = {}) =>
  input('address', `${description} It is ${ADDRESS_FORM}.`, options)
export const TextInput = (description: string, options: Options = {}) => input('text', description, options)
/** A list of texts of 1 to 200 characters each; `min` and `max` bound the length of the list. */
export const TextsInput = (description: string, options: Options = {}) => input('texts', description, options)
/** A text that is JSON. */
export const JsonInput = (description: string, options: Options = {}) => input('json', description, options)
export const IntInput = (description: string, options: Options = {}) => input('int', description, options)
export const RealInput = (description: string, options: Options = {}) => input('real', description, options)
export const FlagInput = (description: string, options: Options = {}) => input('flag', description, options)

const enums = new Map<string, object>()
export function ChoiceInput(name: string, values: readonly string[], description: string, options: Options = {}) {
  let members = enums.get(name)
  if (!members) {
    members = describedEnum(name, Object.fromEntries(values.map((value) => [value, value])))
    enums.set(name, members)
  }
  const type = members
  return input('choice', description, options, values, () => type)
}

const descriptions = new Map<InputClass, string>()

export const Input = (description: string) => (target: unknown) => {
  const owner = target as InputClass
  descriptions.set(owner, description)
  if (hasFields(owner)) InputType(owner.name, { description })(owner)
  else fields.set(owner, new Map())
}

/** The description that the class passed to `@Input`. */
export const descriptionOf = (type: InputClass): string | undefined => descriptions.get(type)

/** Whether the input has fields. GraphQL has no input types without. */
export const hasFields = (type: InputClass): boolean => Boolean(fields.get(type)?.size)

/** A value is out of the bounds that its input class declares. */
export class InputError extends PermanentError {
  override name = 'InputError'
}

/** Checks `value` against the bounds of the class and adds its defaults. @throws InputError that names the field and its bounds. */
export function checkInput<T extends object>(type: InputClass<T>, value: unknown): T {
  const known = fields.get(type as InputClass)
  if (!known) throw new Error(`${type.name} is not an input class: decorate its fields`)
  if (value === null || typeof value !== 'object') throw new InputError(`${type.name}: expected an object.`)
  const given = value as Record<string, unknown>
  for (const key of Object.keys(given))
    if (!known.has(key))
      throw new InputError(
        `${type.name}.${key} is not a known field. ${known.size ? `The fields are: ${[...known.keys()].join(', ')}` : 'There are no fields'}.`,
      )
  const result: Record<string, unknown> = {}
  for (const [key, bounds] of known) {
    const item = given[key] ?? bounds.fallback
    if (item === undefined || item === null) {
      if (!bounds.optional) throw new InputError(`${type.name}.${key} is required.`)
      continue
    }
    const expected = violation(bounds, item)
    if (expected)
      throw new InputError(`${type.name}.${key} must be ${expected}; got ${JSON.stringify(item)?.slice(0, 80)}.`)
    result[key] = item
  }
  return Object.assign(new type(), result)
}

/** What the bounds expect when `item` violates them; undefined when it is valid. */
function violation(
  { kind, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, values, pattern }: Bounds,
  item: unknown,
): string | undefined {
  if (kind === 'flag') return typeof item === 'boolean' ? undefined : 'true or false'
  if (kind === 'choice') return values?.includes(item as string) ? undefined : `one of ${values?.join(', ')}`
  if (kind === 'int' || kind === 'real') {
    const fits =
      typeof item === 'number' &&
      (kind === 'real' ? Number.isFinite(item) : Number.isSafeInteger(item)) &&
      item >= min &&
      item <= max
    return fits ? undefined : `${kind === 'int' ? 'a whole number' : 'a number'} from ${min} to ${max}`
  }
  if (kind === 'texts') {
    const fits =
      Array.isArray(item) &&
      item.length >= min &&
      item.length <= max &&
      item.every((each) => typeof each === 'string' && each.length >= 1 && each.length <= 200)
    return fits ? undefined : `a list of at most ${max} texts of 1 to 200 characters`
  }
  if (typeof item !== 'string') return kind === 'address' ? ADDRESS_FORM : 'a string'
  if (kind === 'address') return isAddressText(item) ? undefined : ADDRESS_FORM
  if (kind === 'json' && !isJson(item)) return 'JSON'
  if (pattern && !pattern.test(item)) return `of the form ${pattern.source}`
  return item.length >= Math.max(min, kind === 'id' ? 1 : 0) && item.length <= max
    ? undefined
    : `${Math.max(min, kind === 'id' ? 1 : 0)} to ${max} characters long`
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
