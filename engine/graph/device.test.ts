import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DeviceError, deviceFromEnvironment, providerOf } from './device.ts'
import { input, onnxRuntime, sum } from './index.ts'
import { tfjsRunner } from './test/tfjs.ts'

test('the environment names the device; the default is auto', () => {
  expect(deviceFromEnvironment({})).toBe('auto')
  expect(deviceFromEnvironment({ MODELCOMMONS_DEVICE: ' webgpu ' })).toBe('webgpu')
  expect(() => deviceFromEnvironment({ MODELCOMMONS_DEVICE: 'tpu' })).toThrow(
    'MODELCOMMONS_DEVICE is "tpu"; it must be one of auto, cpu, webgpu, cuda',
  )
})

test('auto runs somewhere', async () => {
  const x = input('x', [2])
  const program = await onnxRuntime({ device: 'auto' }).compile({ inputs: [x], outputs: { y: sum(x) } })
  expect((await program.run({ x: Float32Array.of(1, 2) })).y.value).toBe(3)
})

test.each(['cuda', 'webgpu'] as const)('%s runs, or says what to install; it never falls back', async (device) => {
  const x = input('x', [2])
  const attempt = async () => {
    const program = await onnxRuntime({ device }).compile({ inputs: [x], outputs: { y: sum(x) } })
    return (await program.run({ x: Float32Array.of(1, 2) })).y.value
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

test('trap, a backend fails silently: TensorFlow.js on another backend than the requested one is an error', async () => {
  const tf = await import('@tensorflow/tfjs')
  tf.registerBackend('broken', () => Promise.reject(new Error('no such device')))
  const x = input('x', [2])
  // `broken` is registered only in this test, so the type does not list it.
  const program = await (await tfjsRunner('broken' as never)).compile({ inputs: [x], outputs: { y: sum(x) } })
  await expect(program.run({ x: Float32Array.of(1, 2) })).rejects.toThrow(
    'TensorFlow.js could not start its broken backend',
  )
})

test('trap, the native library fails in any way: TensorFlow.js on a GPU says what to install', async () => {
  for (const thrown of [new Error('libtensorflow.so.2: cannot open shared object file'), 'not even an error']) {
    const outcome = tfjsRunner('gpu', () => Promise.reject(thrown))
    await expect(outcome).rejects.toThrow(DeviceError)
    await expect(outcome).rejects.toThrow('npm install @tensorflow/tfjs-node-gpu')
  }
})

test('trap, an install script downloads: none runs, and tfjs-node-gpu is an optional peer', () => {
  const root = join(import.meta.dirname, '../..')
  expect(readFileSync(join(root, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m)
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(manifest.peerDependenciesMeta['@tensorflow/tfjs-node-gpu']).toEqual({ optional: true })
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
    expect(Object.keys(manifest[kind] ?? {})).not.toContain('@tensorflow/tfjs-node-gpu')
})
