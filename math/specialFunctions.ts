/** ln Γ(x) for x > 0: Stirling's series after shifting x above 15 (relative error below 1e-14). */
export function logGamma(x: number): number {
  let shift = 0
  for (; x < 15; x++) shift += Math.log(x)
  const y = 1 / (x * x)
  const series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188))))) / x
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift
}

/** Q(a, x), the regularised upper incomplete gamma function, for a > 0 and x ≥ 0. */
export function upperGamma(a: number, x: number): number {
  return x < a + 1 ? 1 - lowerGammaSeries(a, x) : upperGammaFraction(a, x)
}

/** P(a, x) by its power series, for x < a + 1 (Abramowitz and Stegun 6.5.29). */
function lowerGammaSeries(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) sum += term *= x / (a + n)
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a))
}

/** Q(a, x) by its continued fraction, for x ≥ a + 1 (Abramowitz and Stegun 6.5.31), evaluated by Lentz's method. */
function upperGammaFraction(a: number, x: number): number {
  if (x === Number.POSITIVE_INFINITY) return 0
  const front = Math.exp(a * Math.log(x) - x - logGamma(a))
  return front * lentz(x + 1 - a, (n) => [-n * (n - a), x + 2 * n + 1 - a])
}

/** I_x(a, b), the regularised incomplete beta function (Abramowitz and Stegun 26.5.8), for 0 ≤ x ≤ 1 and positive a and b.
 *  Where the continued fraction converges slowly, 1 − I_{1−x}(b, a) is evaluated instead. */
export function regularisedBeta(x: number, a: number, b: number): number {
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  const fraction = (y: number, p: number, q: number) =>
    lentz(1, (n) => {
      const m = n >> 1
      const odd = (-(p + m) * (p + q + m) * y) / ((p + 2 * m) * (p + 2 * m + 1))
      return [n % 2 === 1 ? odd : (m * (q - m) * y) / ((p + 2 * m - 1) * (p + 2 * m)), 1]
    })
  return x < (a + 1) / (a + b + 2) ? (front / a) * fraction(x, a, b) : 1 - (front / b) * fraction(1 - x, b, a)
}

/** `1 / (b0 + a1 / (b1 + a2 / (b2 + …)))` where `term(n) = [an, bn]`, by the modified Lentz method
 *  (Thompson and Barnett, 1986). */
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
