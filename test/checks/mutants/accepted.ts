/** A mutant that no test can or should kill. It is found again by its text, so that it may move within its file. */
export type AcceptedMutant = {
  file: string
  /** The source line on which the mutated code begins, without indentation. */
  line: string
  /** `original → replacement`, each on one line. */
  mutation: string
  because: string
}

/** Every survivor of `npm run check -- mutants`. Before you add one: can a test tell it from the original, or can the code be
 *  written so that the mutant does not exist? */
export const acceptedMutants: readonly AcceptedMutant[] = []
