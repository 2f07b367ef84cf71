import { type CheckedSampleFile, checkSampleFile } from '#model/checkSampleFile.ts'
import { answerRequests } from './answerRequests.ts'
import { chosenFolder } from './chosenFiles.ts'
import type { SamplesRequest } from './samplesRequest.ts'

/** Checks samples beside the page. */

answerRequests<SamplesRequest, CheckedSampleFile>(({ name, file, requirements }) =>
  checkSampleFile(chosenFolder([[name, file]]), name, { requirements }),
)
