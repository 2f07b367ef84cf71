import { getMetadataStorage } from 'type-graphql'
import type { InputClass } from '#schema/inputs.ts'

/** What an input class says of itself. */
export const descriptionOf = (input: InputClass): string | undefined =>
  getMetadataStorage().inputTypes.find((type) => type.target === input)?.description
