import type { PlacedSample } from '../sampleFile.ts'

/** What is told of a pattern that backtracks: by a longer text it could take years. */
export const slowPattern = ({ file, line }: PlacedSample): string =>
  `The pattern takes too long on the completion of ${file}:${line}. Write it without repetitions of what is repeated already, such as (a+)+.`
