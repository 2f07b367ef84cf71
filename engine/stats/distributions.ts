/** P(Z ≤ z) of the standard normal distribution, to about 1e-15, by way of the incomplete gamma function. */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return Number.NaN
  const half = 0.5 * upperGammaHalf((z * z) / 2)
  return z > 0 ? 1 - half : half
}

/** The z with `normalCdf(z) = probability`, for a probability between 0 and 1; ±Infinity at the ends. */
export function normalQuantile(probability: number): number {
  return quantile(probability, normalCdf)
}

/** P(T ≤ t) of Student's distribution with `freedom` degrees, which need not be whole; Infinity gives the normal. */
export function studentCdf(t: number, freedom: number): number {
  if (!(freedom > 0)) throw new Error(`Student's distribution needs more than ${freedom} degrees of freedom.`)
  if (freedom === Infinity) return normalCdf(t)
  if (Number.isNaN(t)) return Number.NaN
  const tail = 0.5 * regularisedBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
  return t > 0 ? 1 - tail : tail
}

/** The t with `studentCdf(t, freedom) = probability`. */
export function studentQuantile(probability: number, freedom: number): number {
  return quantile(probability, (t) => studentCdf(t, freedom))
}

/**
 * Inverts the distribution function of a symmetric distribution: doubling to bracket, then bisection to the last bit.
 * The lower tail alone is searched, where small probabilities keep their digits.
 */
function quantile(probability: number, cdf: (x: number) => number): number {
  if (!(probability >= 0 && probability <= 1)) throw new Error(`A probability is from 0 to 1, not ${probability}.`)
  if (probability > 0.5) return -quantile(1 - probability, cdf)
  if (probability === 0) return -Infinity
  if (probability === 0.5) return 0
  let low = -1
  while (cdf(low) > probability) low *= 2
  let high = low === -1 ? 0 : low / 2
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) return middle
    if (cdf(middle) < probability) low = middle
    else high = middle
  }
}

/** The logarithm of the gamma function for x > 0 (Lanczos, 1964; g = 7, nine terms). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const terms = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
    -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ]
  const sum = terms.reduce((total, term, i) => total + term / (x + i), 0.9999999999998099)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** Q(1/2, x), which is the complementary error function at √x: a series near 0, a continued fraction beyond. */
function upperGammaHalf(x: number): number {
  if (x === Infinity) return 0
  const front = Math.exp(-x) * Math.sqrt(x / Math.PI)
  if (x < 1.5) {
    let term = 2
    let sum = 2
    for (let a = 1.5; term > sum * 1e-17; a++) sum += term *= x / a
    return 1 - front * sum
  }
  return (
    front *
    continuedFraction(
      (n) => (n === 0 ? 1 : n * (0.5 - n)),
      (n) => x + 2 * n + 0.5,
    )
  )
}

/** I_x(a, b), the regularised incomplete beta function, by its continued fraction (Didonato & Morris, 1992). */
export function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - regularisedBeta(1 - x, b, a)
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b)) / a
  const numerator = (n: number) => {
    if (n === 0) return 1
    const m = n >> 1
    if (n % 2) return (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    return (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
  }
  return (
    front *
    continuedFraction(
      (n) => numerator(n),
      () => 1,
    )
  )
}

/** a₀ / (b₀ + a₁ / (b₁ + …)), from the front (Lentz, 1976; Thompson & Barnett, 1986). */
function continuedFraction(a: (n: number) => number, b: (n: number) => number): number {
  const tiny = 1e-300
  let value = tiny
  let c = tiny
  let d = 0
  for (let n = 0; n < 10_000; n++) {
    d = 1 / (b(n) + a(n) * d || tiny)
    c = b(n) + a(n) / c || tiny
    value *= c * d
    if (Math.abs(c * d - 1) < 1e-15) break
  }
  return value
}
