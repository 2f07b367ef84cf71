/** The few distributions the rules need, in floats. Results are quantised once by `quantise`, and everything after is exact. */

/** Rounds a float to an integer number of `1 / whole` parts: the only border between floats and rules.
 *  @throws RangeError when the value is not finite. */
export function quantise(value: number, whole: bigint): bigint {
  if (!Number.isFinite(value)) throw new RangeError(`${value} cannot be recorded. Find out why the measurement failed.`)
  return BigInt(Math.round(value * Number(whole)))
}

/** P(T ≥ t) for Student's t with `df` degrees of freedom; the normal tail when `df` is infinite. */
export function upperTail(t: number, df = Number.POSITIVE_INFINITY): number {
  if (df === Number.POSITIVE_INFINITY) return normalUpperTail(t)
  const half = 0.5 * regularisedBeta(df / (df + t * t), df / 2, 0.5)
  return t >= 0 ? half : 1 - half
}

/** P(Z ≥ z) for the standard normal: half the regularised upper incomplete gamma function Q(1/2, z²/2). */
function normalUpperTail(z: number): number {
  const x = (z * z) / 2
  const tail = x < 1.5 ? 1 - lowerGammaSeries(0.5, x) : upperGammaFraction(0.5, x)
  return z >= 0 ? tail / 2 : 1 - tail / 2
}

/** P(a, x) by its power series, for x < a + 1 (Abramowitz and Stegun 6.5.29). */
function lowerGammaSeries(a: number, x: number): number {
  if (x === 0) return 0
  let term = 1 / a
  let sum = term
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) sum += term *= x / (a + n)
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a))
}

/** Q(a, x) by its continued fraction, for x ≥ a + 1 (Abramowitz and Stegun 6.5.31), evaluated by Lentz's method. */
function upperGammaFraction(a: number, x: number): number {
  const front = Math.exp(a * Math.log(x) - x - logGamma(a))
  if (front === 0) return 0
  return front * lentz(x + 1 - a, (n) => [-n * (n - a), x + 2 * n + 1 - a])
}

/** I_x(a, b) (Abramowitz and Stegun 26.5.8), turned round where the fraction converges slowly. */
export function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  const fraction = (y: number, p: number, q: number) =>
    lentz(1, (n) => {
      const m = n >> 1
      const odd = (-(p + m) * (p + q + m) * y) / ((p + 2 * m) * (p + 2 * m + 1))
      return [n % 2 === 1 ? odd : (m * (q - m) * y) / ((p + 2 * m - 1) * (p + 2 * m)), 1]
    })
  return x < (a + 1) / (a + b + 2) ? (front / a) * fraction(x, a, b) : 1 - (front / b) * fraction(1 - x, b, a)
}

/** `1 / (b0 + a1 / (b1 + a2 / (b2 + …)))` where `term(n) = [an, bn]`, by the modified Lentz method. */
function lentz(b0: number, term: (n: number) => [number, number]): number {
  const tiny = 1e-300
  let c = 1 / tiny
  let d = 1 / b0
  let value = d
  for (let n = 1; n < 10_000; n++) {
    const [a, b] = term(n)
    d = 1 / (a * d + b || tiny)
    c = b + a / c || tiny
    value *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return value
}

/** ln Γ(x) for x > 0: Stirling's series after shifting x above 15 (relative error below 1e-14). */
export function logGamma(x: number): number {
  let shift = 0
  for (; x < 15; x++) shift += Math.log(x)
  const y = 1 / (x * x)
  const series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188))))) / x
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift
}
