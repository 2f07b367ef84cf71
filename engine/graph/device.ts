import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Provider } from './node.ts'

export type Device = 'auto' | Provider

const DEVICES: readonly string[] = ['auto', 'cpu', 'webgpu', 'cuda']

/** A device that was requested by name and is not available; the message says what to install. */
export class DeviceError extends Error {
  override name = 'DeviceError'
}

/** The device in MODELCOMMONS_DEVICE; `auto` when it is not set. @throws DeviceError for an unknown device. */
export function deviceFromEnvironment(environment: Readonly<Record<string, string | undefined>> = process.env): Device {
  const named = environment.MODELCOMMONS_DEVICE?.trim() || 'auto'
  if (!DEVICES.includes(named))
    throw new DeviceError(`MODELCOMMONS_DEVICE is "${named}"; it must be one of ${DEVICES.join(', ')}`)
  return named as Device
}

/**
 * The provider for a device. `auto` is CUDA where ONNX Runtime's CUDA library is installed, else the CPU. WebGPU must be
 * requested by name, because a software adapter (ten times slower than the CPU provider) looks like a real one.
 */
export function providerOf(device: Device): Provider {
  if (device === 'auto') return cudaLibrary() ? 'cuda' : 'cpu'
  if (device === 'cuda' && !cudaLibrary())
    throw new DeviceError(
      'MODELCOMMONS_DEVICE=cuda needs the CUDA library of ONNX Runtime (Linux x64): run ' +
        '"node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12" ' +
        'and install CUDA 12 and cuDNN 9, or choose cpu or webgpu',
    )
  return device
}

function cudaLibrary(): boolean {
  const packageFolder = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')))
  const folder = join(packageFolder, 'bin', 'napi-v6', process.platform, process.arch)
  return existsSync(join(folder, 'libonnxruntime_providers_cuda.so'))
}

/** The error for a session that could not be created, with advice for the device. */
export function compileError(provider: Provider, cause: unknown): DeviceError {
  const advice: Record<Provider, string> = {
    cpu: 'report this error with the graph that caused it',
    webgpu: 'it needs a GPU with a Vulkan, Metal or D3D12 driver (on Debian: mesa-vulkan-drivers and libvulkan1)',
    cuda: 'it needs an NVIDIA driver, CUDA 12 and cuDNN 9 on the library path',
  }
  const reason = cause instanceof Error ? cause.message.trim() : String(cause)
  return new DeviceError(
    `ONNX Runtime could not compile for ${provider}: ${advice[provider]}. ONNX Runtime said: ${reason}`,
    {
      cause,
    },
  )
}
