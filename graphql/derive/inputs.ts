import { getMetadataStorage } from 'type-graphql'
import type { InputClass } from '#schema/inputs.ts'

/** The description that the class passed to `@Input`. */
export const descriptionOf = (input: InputClass): string | undefined =>
  getMetadataStorage().inputTypes.find((type) => type.target === input)?.description
