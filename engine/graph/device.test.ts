import { expect, test } from 'vitest'
import { deviceFromEnvironment, providerOf } from './device.ts'
import { input, onnxRuntime, sum } from './index.ts'
import { tfjsRunner } from './tfjs.ts'

test('the environment names the device, auto when it says nothing', () => {
  expect(deviceFromEnvironment({})).toBe('auto')
  expect(deviceFromEnvironment({ MODELCOMMONS_DEVICE: ' webgpu ' })).toBe('webgpu')
  expect(() => deviceFromEnvironment({ MODELCOMMONS_DEVICE: 'tpu' })).toThrow(
    'MODELCOMMONS_DEVICE is "tpu"; it must be one of auto, cpu, webgpu, cuda',
  )
})

test('auto runs somewhere', async () => {
  const x = input('x', [2])
  const program = await onnxRuntime({ device: 'auto' }).compile({ inputs: [x], outputs: { y: sum(x) } })
  expect((await program.run({ x: Float32Array.of(1, 2) })).y!.value).toBe(3)
})

test.each(['cuda', 'webgpu'] as const)('%s runs, or says what to install; it never falls back', async (device) => {
  const x = input('x', [2])
  const attempt = async () => {
    const program = await onnxRuntime({ device }).compile({ inputs: [x], outputs: { y: sum(x) } })
    return (await program.run({ x: Float32Array.of(1, 2) })).y!.value
  }
  const outcome = await attempt().catch((error: Error) => error)
  if (outcome instanceof Error) {
    expect(outcome.name).toBe('DeviceError')
    expect(outcome.message).toMatch(/needs/)
  } else expect(outcome).toBe(3)
})

test('a named provider is kept', () => {
  expect(providerOf('cpu')).toBe('cpu')
  expect(providerOf('webgpu')).toBe('webgpu')
})

test('TensorFlow.js on a GPU runs where its package is installed, or says how to install it', async () => {
  const outcome = await tfjsRunner('gpu').catch((error: Error) => error)
  if (outcome instanceof Error) expect(outcome.message).toContain('npm install @tensorflow/tfjs-node-gpu')
  else expect(outcome.name).toBe('tfjs gpu')
})
