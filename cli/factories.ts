import { z } from 'zod'
import { announcementOf, CHILD_KINDS } from '#indexer/index.ts'

/** Contracts whose events announce further contracts to follow, as a deployment file or a configuration file declares them. */

const shape = z.strictObject({
  address: z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'expected an address: 0x and 40 hex digits'),
  event: z.string('expected a declaration like `event Created(address indexed token)`'),
  argument: z.string('expected the name of the argument that holds the new address'),
  follows: z.enum(CHILD_KINDS, `expected ${CHILD_KINDS.join(' or ')}`),
})

export const Factory = shape.superRefine((factory, { addIssue }) => {
  try {
    announcementOf(factory)
  } catch (error) {
    addIssue({ code: 'custom', message: (error as Error).message })
  }
})
