import { expect, test } from 'vitest'
import { ConfigError } from '#config'
import { workerSlots } from './workerSlots.ts'

const slots = (workerKinds?: string) => workerSlots({ workerKinds, gpuConcurrency: 2, cpuConcurrency: 4 })

test('without WORKER_KINDS every lane has slots, from GPU_CONCURRENCY and CPU_CONCURRENCY', () => {
  expect(slots()).toEqual({ infer: 8, attribute: 2, training: 2, chain: 4 })
})

test('WORKER_KINDS names the lanes of a worker; what it does not name has no slot', () => {
  expect(slots('infer:4,attribute:1,training:0')).toEqual({ infer: 4, attribute: 1, training: 0, chain: 0 })
  expect(slots(' training : 1 ')).toEqual({ infer: 0, attribute: 0, training: 1, chain: 0 })
})

test.each([
  ['gpu:1', /"gpu:1" is not of the form lane:slots with a lane of infer, attribute, training, chain/],
  ['infer', /"infer" is not of the form/],
  ['infer:-1', /"infer:-1" is not of the form/],
  ['infer:1.5', /not of the form/],
  ['infer:1,', /"" is not of the form/],
  ['infer:1,infer:2', /infer stands there twice/],
  ['infer:257', /at most 256 slots/],
  ['infer:0,training:0', /would do nothing/],
])('%s is an error that names the variable and the part', (text, message) => {
  expect(() => slots(text)).toThrow(ConfigError)
  expect(() => slots(text)).toThrow(/^WORKER_KINDS: /)
  expect(() => slots(text)).toThrow(message)
})
