import { z } from 'zod'

/** A field of a format. */
export interface Field {
  schema: z.ZodType
  description?: string
}

/** The field at a path; undefined when the format has none there. */
export function fieldAt(shape: z.ZodType, path: readonly PropertyKey[]): Field | undefined {
  let field: Field | undefined = describe(shape)
  for (const step of path) field = field && child(field.schema, step)
  return field
}

/** All fields of a format with their paths, in their order; a list's items are under `[]`. */
export function formatFields(shape: z.ZodType, path = ''): (Field & { path: string; required: boolean })[] {
  const { schema } = describe(shape)
  if (schema instanceof z.ZodArray) return formatFields(schema.element as z.ZodType, `${path}[]`)
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([name, inner]) => {
    const at = path ? `${path}.${name}` : name
    return [{ ...describe(inner), path: at, required: !inner.safeParse(undefined).success }, ...formatFields(inner, at)]
  })
}

function child(schema: z.ZodType, step: PropertyKey): Field | undefined {
  if (schema instanceof z.ZodArray) return describe(schema.element as z.ZodType)
  if (!(schema instanceof z.ZodObject)) return undefined
  const inner = (schema.shape as Record<PropertyKey, z.ZodType | undefined>)[step]
  return inner && describe(inner)
}

/** A schema without what wraps it, and the outermost description. */
function describe(shape: z.ZodType): Field {
  const { description } = shape
  const inner =
    shape instanceof z.ZodOptional || shape instanceof z.ZodDefault
      ? (shape.unwrap() as z.ZodType)
      : shape instanceof z.ZodPipe
        ? (shape.in as z.ZodType)
        : undefined
  if (!inner) return { schema: shape, description }
  const found = describe(inner)
  return { ...found, description: description ?? found.description }
}
