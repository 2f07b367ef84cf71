import { expect, test } from 'vitest'
import { ConfigError } from '#config'
import { type SignerRoles, slotsOfSigner, workerSlots } from './workerSlots.ts'

const slots = (workerKinds?: string) => workerSlots({ workerKinds, gpuConcurrency: 2, cpuConcurrency: 4 })

test('without WORKER_KINDS every lane has slots, from GPU_CONCURRENCY and CPU_CONCURRENCY', () => {
  expect(slots()).toEqual({ infer: 8, attribute: 2, training: 2, chain: 4, recourse: 2, relay: 0 })
})

test('WORKER_KINDS names the lanes of a worker; what it does not name has no slot', () => {
  expect(slots('infer:4,attribute:1,training:0')).toEqual({
    infer: 4,
    attribute: 1,
    training: 0,
    chain: 0,
    recourse: 0,
    relay: 0,
  })
  expect(slots(' training : 1 ')).toEqual({ infer: 0, attribute: 0, training: 1, chain: 0, recourse: 0, relay: 0 })
})

test('the resolver’s key runs only recourse, and no other key runs it', () => {
  const of = (roles: SignerRoles, workerKinds?: string) =>
    slotsOfSigner({ workerKinds, gpuConcurrency: 1, cpuConcurrency: 1 }, roles)
  const [operator, resolver] = [
    { operates: true, resolves: false },
    { operates: false, resolves: true },
  ]
  expect(of(operator)).toEqual({ infer: 4, attribute: 1, training: 1, chain: 1, recourse: 0, relay: 0 })
  expect(of(resolver)).toEqual({ infer: 0, attribute: 0, training: 0, chain: 0, recourse: 2, relay: 0 })
  expect(of({ operates: true, resolves: true })).toEqual({
    infer: 4,
    attribute: 1,
    training: 1,
    chain: 1,
    recourse: 2,
    relay: 0,
  })
  expect(() => of(operator, 'chain:1,recourse:1')).toThrow(/^WORKER_KINDS: recourse needs the key of the resolver/)
  expect(of(resolver, 'recourse:2')).toMatchObject({ recourse: 2, chain: 0 })
})

test('only a worker with RELAYER_KEY relays, whatever the roles of its other key', () => {
  const settings = { workerKinds: undefined, gpuConcurrency: 1, cpuConcurrency: 1, relayerKey: '0x01' as const }
  expect(workerSlots(settings)).toMatchObject({ chain: 1, relay: 4 })
  expect(slotsOfSigner(settings, { operates: false, resolves: true })).toMatchObject({ chain: 0, relay: 4 })
  expect(workerSlots({ ...settings, workerKinds: 'relay:2' })).toMatchObject({ chain: 0, relay: 2 })
  expect(() => slots('relay:2')).toThrow(/^WORKER_KINDS: relay needs RELAYER_KEY/)
})

test.each([
  ['gpu:1', /"gpu:1" is not of the form lane:slots with a lane of infer, attribute, training, chain, recourse, relay/],
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
