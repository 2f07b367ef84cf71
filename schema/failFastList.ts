import { z } from 'zod'

/** A list in which the first item that is not valid ends the check: `z.array` makes an issue for each, so that a list of very many takes minutes and all of the
 *  memory of whoever checks a document of somebody else. */
export const failFastList = <T extends z.ZodType>(item: T, { min = 0, max = Number.POSITIVE_INFINITY } = {}) =>
  z.custom<unknown[]>(Array.isArray, 'expected an array').transform((items, context): z.output<T>[] => {
    if (items.length > max) return refuse(context, `expected at most ${max} items`)
    if (items.length < min) return refuse(context, `expected at least ${min} ${min === 1 ? 'item' : 'items'}`)
    const read: z.output<T>[] = []
    for (const [index, one] of items.entries()) {
      const parsed = item.safeParse(one)
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        return refuse(context, issue?.message ?? 'not valid', [index, ...(issue?.path ?? [])])
      }
      read.push(parsed.data)
    }
    return read
  })

/** The same for an object with any names. */
export const failFastRecord = <T extends z.ZodType>(item: T) =>
  z
    .custom<object>((value) => value instanceof Object && !Array.isArray(value), 'expected an object')
    .transform((members, context): Record<string, z.output<T>> => {
      const read: [string, z.output<T>][] = []
      for (const [name, one] of Object.entries(members)) {
        const parsed = item.safeParse(one)
        if (!parsed.success) return refuse(context, parsed.error.issues[0]?.message ?? 'not valid', [name])
        read.push([name, parsed.data])
      }
      return Object.fromEntries(read)
    })

function refuse(context: z.RefinementCtx, message: string, path: PropertyKey[] = []): never {
  context.addIssue({ code: 'custom', message, path })
  return z.NEVER
}
