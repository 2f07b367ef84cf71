import { DEFAULT_FIRST } from '../query/page.ts'

/** Arguments that set the number of rows, or the depth of a search. */
export const SIZE_ARGUMENTS = ['first', 'last', 'delegates', 'edges', 'depth'] as const
export type SizeArgument = (typeof SIZE_ARGUMENTS)[number]
export type Sizes = Partial<Record<SizeArgument, number>>

/** Declares the length of a field's list, or the number of rows inside the object that it returns, for the cost of a query:
 *  `@Extensions(listLength(…))`. */
export const listLength = (length: (sizes: Sizes) => number) => ({ length })
/** The length is the value of the argument `name`. */
export const listLengthFrom = (name: SizeArgument) => listLength((sizes) => sizes[name] ?? DEFAULT_FIRST)
