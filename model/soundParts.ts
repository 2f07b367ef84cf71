import { z } from 'zod'
import { fieldAt } from './fields.ts'

/** What could be read of a value: a key that has a mistake is absent. */
export type SoundParts<T> = T extends readonly (infer Item)[]
  ? SoundParts<Item>[]
  : T extends object
    ? { [Key in keyof T]?: SoundParts<T[Key]> }
    : T

/** The parts of a value that have their form, so that a mistake in one does not hide those in the others. Undefined when there is none. */
export function soundParts<T>(shape: z.ZodType<T>, value: unknown): SoundParts<T> | undefined {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data as SoundParts<T>
  const schema = fieldAt(shape, [])?.schema
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.map((item) => soundParts(schema.element as z.ZodType, item) ?? {}) as SoundParts<T>
  if (!(schema instanceof z.ZodObject) || typeof value !== 'object' || value === null) return undefined
  const parts = Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([key, inner]) => {
    const part = soundParts(inner, (value as Record<string, unknown>)[key])
    return part === undefined ? [] : [[key, part]]
  })
  return Object.fromEntries(parts) as SoundParts<T>
}
