// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import {
  add,
  div,
  type GraphRunner,
  input,
  matmul,
  mean,
  mul,
  ProgramCache,
  reshape,
  sub,
  sum,
  tensor,
} from '#engine/graph/index.ts'
import type { GradientBlock } from './gradientBlocks.ts'

/**
 * DataInf (Kwon, Wu, Wu & Zou, "DataInf: efficiently estimating data influence in LoRA-tuned LLMs", 2024): approximates the
 * inverse Hessian of every weight by the mean of rank-one inverses in closed form,
 *
 *     H⁻¹ ≈ 1/(Nλ) Σᵢ (I - gᵢ gᵢᵀ / (λ + |gᵢ|²)),   λ = 0.1 · mean |gᵢ|² / width.
 *
 * The result is (M,N): vₘᵀ H⁻¹ gₙ / N, summed over weights. To first order it is the increase of the loss of validation
 * example m if training example n were removed, so a positive value means that the training example helps.
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { DataInf } from '#engine/explain/dataInf.ts'
 * import { onnxRuntime } from '#engine/graph/index.ts'
 *
 * const dataInf = new DataInf(onnxRuntime())
 * const train = Float32Array.of(1, 0, 0, 1) // gradients of two training examples for a weight of two numbers
 * const validation = Float32Array.of(1, 0) // gradient of one validation example
 * const [influence] = await dataInf.influences([{ width: 2, train, validation }])
 * const [same = 0, orthogonal = 0] = influence ?? []
 * assert.ok(same > orthogonal) // the gradient of the first example equals that of the validation example
 * await dataInf.release()
 * ```
 */
export class DataInf {
  private readonly programs: ProgramCache<string, 'influence'>

  constructor(private readonly runner: GraphRunner) {
    this.programs = new ProgramCache((key) => this.compile(JSON.parse(key)), 8)
  }

  private compile([N, M, width]: [number, number, number]) {
    const [train, validation] = [input('train', [N, width]), input('validation', [M, width])]
    const norms = sum(mul(train, train), [1]) // (N,1)
    const damping = add(mul(reshape(mean(norms), []), 0.1 / width), 1e-30)
    const products = matmul(validation, train, { transposeB: true }) // (M,N)
    const shares = div(products, reshape(add(norms, damping), [1, N]))
    const taken = mul(matmul(shares, train), 1 / N) // (M,width)
    const influence = matmul(sub(validation, taken), train, { transposeB: true }) // (M,N)
    return this.runner.compile({
      inputs: [train, validation],
      outputs: { influence: div(influence, mul(damping, N)) },
    })
  }

  async influences(blocks: Iterable<GradientBlock>, signal?: AbortSignal): Promise<Float64Array[]> {
    let sums: Float64Array | undefined
    let [N, M] = [0, 0]
    for (const { width, train, validation } of blocks) {
      signal?.throwIfAborted()
      ;[N, M] = [train.length / width, validation.length / width]
      const program = await this.programs.get(JSON.stringify([N, M, width]))
      const results = await program.run({
        train: tensor(train, [N, width]),
        validation: tensor(validation, [M, width]),
      })
      const { floats } = results.influence
      sums ??= new Float64Array(M * N)
      for (let i = 0; i < floats.length; i++) sums[i]! += floats[i]!
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (!sums) throw new Error('There are no gradients: the blocks are empty.')
    if (sums.some((value) => !Number.isFinite(value)))
      throw new Error('An influence is not finite: a gradient is wrong.')
    const all = sums
    return Array.from({ length: M }, (_, m) => all.subarray(m * N, (m + 1) * N))
  }

  release(): Promise<void> {
    return this.programs.release()
  }
}
