import { add, mul, type Node, sigmoid, sub, withGradient } from '#engine/graph/index.ts'

/**
 * silu(gate) · up (Shazeer, "GLU variants improve transformer", 2020). The gradient is in closed form: with
 * s = σ(gate) and h = gate·s, silu' = s + h (1 - s).
 */
export function swiGlu(gate: Node, up: Node): Node {
  const s = sigmoid(gate)
  const h = mul(gate, s)
  return withGradient(mul(h, up), [gate, up], (d) => [mul(mul(d, up), add(s, mul(h, sub(1, s)))), mul(d, h)])
}
