import { add, mean, mul, type Node, reshape, rsqrt, sub, sum, withGradient } from '#engine/graph/index.ts'

/**
 * RMSNorm (Zhang & Sennrich, 2019) over the last axis: x / sqrt(mean(x²) + ε) · w. The gradient is in closed form:
 * with n = x·r and g = d·w, dx = r (g - n·mean(g·n)).
 */
export function rmsNorm(x: Node, weight: Node, epsilon: number): Node {
  const r = rsqrt(add(mean(mul(x, x), [-1]), epsilon)) // (…,1)
  const n = mul(x, r)
  return withGradient(mul(n, weight), [x, weight], (d) => {
    const g = mul(d, weight)
    const leading = x.shape.slice(0, -1).map((_, axis) => axis)
    return [mul(r, sub(g, mul(n, mean(mul(g, n), [-1])))), reshape(sum(mul(d, n), leading), weight.shape)]
  })
}
