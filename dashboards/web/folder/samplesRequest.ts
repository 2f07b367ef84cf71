import type { SampleTerms } from '#client/index.ts'

/** What the page asks the worker that checks a file of samples; its answer is a `CheckedSampleFile`. */
export interface SamplesRequest {
  name: string
  file: File
  requirements?: SampleTerms['requirements']
}
