// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

import { input, matmul, mul, onnxRuntime, ProgramCache, sub, type Tensor, tensor } from '#engine/graph/index.ts'
import type { Sketches } from '#engine/stats/sketches.ts'
import { estimateInfluences, type InfluenceEstimate } from './influence.ts'

/**
 * DataInf on sketches of gradients, for many answers. The inverse Hessian is applied to the training examples once, so that
 * the influence on an answer is one product with a matrix in memory (N,dimensions).
 * @example
 * ```ts
 * import assert from 'node:assert'
 * import { SketchedInfluence } from '#engine/explain/sketchedInfluence.ts'
 * import { CountSketch } from '#engine/stats/countSketch.ts'
 * import { Sketches } from '#engine/stats/sketches.ts'
 *
 * const projection = new CountSketch({ seed: 1, length: 1000, dimensions: 64 })
 * const gradients = [1, -1].map((sign) => new Float32Array(1000).fill(sign))
 * const sketches = Sketches.empty(projection)
 * for (const gradient of gradients) sketches.add(projection.project(gradient))
 * const influence = await SketchedInfluence.create(sketches)
 * const [same, opposite] = await influence.estimate([projection.project(new Float32Array(1000).fill(1))])
 * assert.ok(same && opposite && same.mean > 0 && opposite.mean < 0)
 * await influence.release()
 * ```
 */
export class SketchedInfluence {
  private readonly runner = onnxRuntime()
  private readonly programs = new ProgramCache<number, 'influence'>((parts) => this.compile(parts), 20)

  private constructor(
    readonly count: number,
    private readonly dimensions: number,
    private prepared: Tensor,
  ) {}

  /** Takes O(N × dimensions × min(N, dimensions)) time. */
  static async create(sketches: Sketches): Promise<SketchedInfluence> {
    const { count: N, dimensions: d } = sketches
    const train = new Float32Array(N * d)
    const norms = new Float64Array(N)
    for (let n = 0; n < N; n++) {
      const one = sketches.at(n)
      train.set(one, n * d)
      for (const value of one) norms[n]! += value * value
    }
    const made = new SketchedInfluence(N, d, tensor(train, [N, d]))
    await made.prepare(norms)
    return made
  }

  /** T ↦ (T - T Tᵀ diag(1/(λ + |g|²)) T / N) / (λN), each row's H⁻¹ g / N; `DataInf` has the formula. */
  private async prepare(norms: Float64Array): Promise<void> {
    const { runner, count: N, dimensions: d } = this
    const damping = (0.1 * norms.reduce((sum, norm) => sum + norm, 0)) / N / d + 1e-30
    const train = input('train', [N, d])
    const column = N > d
    const shares = input('shares', column ? [N, 1] : [1, N])
    const taken = column
      ? matmul(train, matmul(mul(train, shares), train, { transposeA: true }))
      : matmul(mul(matmul(train, train, { transposeB: true }), shares), train)
    const program = await runner.compile({
      inputs: [train, shares],
      outputs: { prepared: mul(sub(train, taken), 1 / (damping * N)) },
    })
    try {
      const parts = Float32Array.from(norms, (norm) => 1 / (N * (norm + damping)))
      this.prepared = (await program.run({ train: this.prepared, shares: parts })).prepared
    } finally {
      await program.release()
    }
  }

  private compile(parts: number) {
    const { runner, count: N, dimensions: d } = this
    const [answer, prepared] = [input('answer', [parts, d]), input('prepared', [N, d])]
    return runner.compile({
      inputs: [answer, prepared],
      outputs: { influence: matmul(answer, prepared, { transposeB: true }) },
    })
  }

  /** The influence of every training example on an answer. The answer is given as sketches of its parts' gradients; mean and standard error are over the parts. */
  async estimate(parts: readonly Float32Array[]): Promise<InfluenceEstimate[]> {
    const { count: N, dimensions: d, prepared } = this
    const answer = new Float32Array(parts.length * d)
    for (const [m, part] of parts.entries()) answer.set(part, m * d)
    const results = await (await this.programs.get(parts.length)).run({ answer, prepared })
    const { floats } = results.influence
    const found = parts.map((_, m) => Float64Array.from(floats.subarray(m * N, (m + 1) * N)))
    if (found.some((row) => row.some((value) => !Number.isFinite(value))))
      throw new Error('An influence is not finite: a gradient is wrong.')
    return estimateInfluences(found, N)
  }

  release(): Promise<void> {
    return this.programs.release()
  }
}
