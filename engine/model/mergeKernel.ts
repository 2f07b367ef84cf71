// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** base [out,in] + scale · b [out,r] a [r,in]. */
export function addScaledProduct(
  base: Float32Array,
  b: Float32Array,
  a: Float32Array,
  rank: number,
  scale: number,
): Float32Array {
  const columns = a.length / rank
  return base.map((value, index) => {
    const row = Math.floor(index / columns)
    let sum = 0
    for (let k = 0; k < rank; k++) sum += b[row * rank + k]! * a[k * columns + (index % columns)]!
    return value + scale * sum
  })
}
