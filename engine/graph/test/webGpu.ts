import { type DeviceError, type GraphRunner, input, onnxRuntime, sum } from '../index.ts'

/** A WebGPU runner where an adapter (also a software one) is found, else the error that says what is missing. */
export async function webGpu(): Promise<GraphRunner | DeviceError> {
  const runner = onnxRuntime({ device: 'webgpu' })
  const x = input('x', [2])
  try {
    const program = await runner.compile({ inputs: [x], outputs: { y: sum(x) } })
    const { y } = await program.run({ x: Float32Array.of(1, 2) })
    await program.release()
    if (y.value !== 3) throw new Error(`WebGPU adds 1 and 2 to ${y.value}.`)
    return runner
  } catch (error) {
    return error as DeviceError
  }
}
