import { z } from 'zod'

/** A list in which the first item that is not valid ends the check: `z.array` makes an issue for each, so that a list of very many takes minutes and all of the
 *  memory of whoever checks a document of somebody else. */
export const failFastList = <T extends z.ZodType>(item: T, { max = Number.POSITIVE_INFINITY } = {}) =>
  z.custom<unknown[]>(Array.isArray, 'expected an array').transform((items, context): z.output<T>[] => {
    if (items.length > max) return refuse(context, `expected at most ${max} items`)
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

function refuse(context: z.RefinementCtx, message: string, path: PropertyKey[] = []): never {
  context.addIssue({ code: 'custom', message, path })
  return z.NEVER
}
