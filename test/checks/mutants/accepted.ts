/** A mutant that no test can or should kill. It is found again by its text, so that it may move within its file. */
export type AcceptedMutant = {
  file: string
  /** The source line on which the mutated code begins, without indentation. */
  line: string
  /** `original → replacement`, each on one line. */
  mutation: string
  because: string
}

const SAME_WHEN_EQUAL = 'Where the two are equal, both branches give the same value.'
const NOT_WITH_UNDEFINED = 'A comparison with undefined is false anyway; the check is there for the compiler.'
const PLAIN_IS_A_SHORT_CUT =
  'A text that needs no escape is quoted without looking at each character; the long way gives the same.'

/** Every survivor of `npm run check -- mutants`. Before you add one: can a test tell it from the original, or can the code be
 *  written so that the mutant does not exist? */
export const acceptedMutants: readonly AcceptedMutant[] = [
  {
    file: 'math/distributions.ts',
    line: 'return z >= 0 ? tail / 2 : 1 - tail / 2',
    mutation: 'z >= 0 → z > 0',
    because: SAME_WHEN_EQUAL,
  },
  {
    file: 'math/distributions.ts',
    line: 'return t >= 0 ? tail : 1 - tail',
    mutation: 't >= 0 → t > 0',
    because: SAME_WHEN_EQUAL,
  },
  {
    file: 'math/distributions.ts',
    line: 'while (cdf(low) > probability) low *= 2',
    mutation: 'cdf(low) > probability → cdf(low) >= probability',
    because: 'The bracket then ends at the answer instead of beginning there; bisection finds it in both.',
  },
  {
    file: 'math/distributions.ts',
    line: 'let high = low === -1 ? 0 : low / 2',
    mutation: 'low === -1 → true',
    because: 'A wider bracket: bisection takes a few steps more to the same answer.',
  },
  {
    file: 'math/distributions.ts',
    line: 'if (cdf(middle) < probability) low = middle',
    mutation: 'cdf(middle) < probability → cdf(middle) <= probability',
    because: 'Where neighbouring floats have the same probability, either of them inverts it.',
  },
  {
    file: 'math/specialFunctions.ts',
    line: 'for (; x < 15; x++) shift += Math.log(x)',
    mutation: 'x < 15 → x <= 15',
    because: 'The series is as exact from 16 on as from 15 on.',
  },
  {
    file: 'math/specialFunctions.ts',
    line: 'return x < a + 1 ? 1 - lowerGammaSeries(a, x) : upperGammaFraction(a, x)',
    mutation: 'x < a + 1 → x <= a + 1',
    because: 'At the border both expansions converge to the same value.',
  },
  {
    file: 'math/specialFunctions.ts',
    line: 'for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) sum += term *= x / (a + n)',
    mutation: 'Math.abs(term) > Math.abs(sum) * 1e-17 → Math.abs(term) >= Math.abs(sum) * 1e-17',
    because: 'One more term that is too small to change the sum.',
  },
  {
    file: 'math/specialFunctions.ts',
    line: 'return x < (a + 1) / (a + b + 2) ? (front / a) * fraction(x, a, b) : 1 - (front / b) * fraction(1 - x, b, a)',
    mutation: 'x < (a + 1) / (a + b + 2) → x <= (a + 1) / (a + b + 2)',
    because: 'At the border both fractions converge to the same value.',
  },
  {
    file: 'math/specialFunctions.ts',
    line: 'for (let n = 1; n < 10_000; n++) {',
    mutation: 'n < 10_000 → n <= 10_000',
    because: 'A bound on the work; the fraction converges long before.',
  },
  {
    file: 'math/specialFunctions.ts',
    line: 'if (Math.abs(d * c - 1) < 1e-15) break',
    mutation: 'Math.abs(d * c - 1) < 1e-15 → Math.abs(d * c - 1) <= 1e-15',
    because: 'No float is exactly that far from 1: distances there are multiples of 1.1e-16.',
  },
  {
    file: 'rules/agreement.ts',
    line: 'profile.choices.set(choice, (profile.choices.get(choice) ?? 0n) + 1n)',
    mutation: '(profile.choices.get(choice) ?? 0n) + 1n → (profile.choices.get(choice) ?? 0n) - 1n',
    because: 'All counts change their sign, and only products of two counts are used.',
  },
  {
    file: 'rules/coincidence.ts',
    line: 'wrong.set(validator, own.set(taskId, !right))',
    mutation: '!right → right',
    because: 'Right answers coincide exactly as much as errors do.',
  },
  {
    file: 'rules/coincidence.ts',
    line: 'sum += weight',
    mutation: 'sum += weight → sum -= weight',
    because: 'Only the square of the sum is used.',
  },
  {
    file: 'rules/coincidence.ts',
    line: 'if (both * n <= a * b || !coincides(n, a, b, both)) return 0n',
    mutation: 'both * n <= a * b → false',
    because: 'A shortcut: errors that meet at most as often as expected do so with a probability of one half or more.',
  },
  {
    file: 'rules/coincidence.ts',
    line: 'if (both * n <= a * b || !coincides(n, a, b, both)) return 0n',
    mutation: 'both * n <= a * b → both * n < a * b',
    because: 'A shortcut: errors that meet at most as often as expected do so with a probability of one half or more.',
  },
  {
    file: 'rules/dependence.ts',
    line: 'if (shared === 0 || p.known === 0 || q.known === 0) return 0n',
    mutation: 'shared === 0 → false',
    because: 'Without shared pairs the excess is 0 / 0, which is above nothing.',
  },
  {
    file: 'rules/dependence.ts',
    line: 'return above > STANDARD_ERRORS * Math.sqrt(variance) ? quantise(above / (1 - expected), PPM) : 0n',
    mutation: 'above > STANDARD_ERRORS * Math.sqrt(variance) → above >= STANDARD_ERRORS * Math.sqrt(variance)',
    because: 'No float is exactly at the border.',
  },
  {
    file: 'rules/promotion.ts',
    line: 'live: readonly MetricEvaluation[] = [],',
    mutation: '[] → ["Stryker was here"]',
    because: 'A text has no metric and is compared with nothing.',
  },
  {
    file: 'rules/sealedOverlap.ts',
    line: 'if (this.items.length === 0) return false',
    mutation: 'this.items.length === 0 → false',
    because: 'A shortcut: of no items, none is found.',
  },
  {
    file: 'rules/sealedOverlap.ts',
    line: "const grams = shingles(textOf(item), 'code')",
    mutation: '\'code\' → ""',
    because: 'What is not prose is compared with its symbols.',
  },
  {
    file: 'rules/sealedOverlap.ts',
    line: "for (const gram of shingles(textOf(sample), 'code'))",
    mutation: '\'code\' → ""',
    because: 'What is not prose is compared with its symbols.',
  },
  {
    file: 'rules/sealedOverlap.ts',
    line: 'const known = text.marked.slice(1, -1).filter((token) => vocabulary.has(token))',
    mutation: 'text.marked.slice(1, -1) → text.marked',
    because: 'A shortcut: the chains of a text that it leaves are compared, and decide.',
  },
  {
    file: 'rules/sealedOverlap.ts',
    line: 'return this.texts.filter(({ text, weight, limit }) => {',
    mutation:
      'this.texts.filter(({ text, weight, limit }) => { const known = text.marked.slice(1, -1).filter((token) => vocabulary.has(token)) return this.weightOf(known) * PPM >= limit * weight }) → this.texts',
    because: 'A shortcut: the chains of a text that it leaves are compared, and decide.',
  },
  {
    file: 'rules/sealedOverlap.ts',
    line: 'const known = text.marked.slice(1, -1).filter((token) => vocabulary.has(token))',
    mutation: 'text.marked.slice(1, -1).filter((token) => vocabulary.has(token)) → text.marked.slice(1, -1)',
    because: 'A shortcut: the chains of a text that it leaves are compared, and decide.',
  },
  {
    file: 'rules/sealedOverlap.ts',
    line: 'return this.weightOf(known) * PPM >= limit * weight',
    mutation: 'this.weightOf(known) * PPM >= limit * weight → true',
    because: 'A shortcut: the chains of a text that it leaves are compared, and decide.',
  },
  {
    file: 'rules/sealedOverlap.ts',
    line: 'return this.weightOf(known) * PPM >= limit * weight',
    mutation: 'limit * weight → limit / weight',
    because: 'A shortcut: the chains of a text that it leaves are compared, and decide.',
  },
  {
    file: 'rules/answer.ts',
    line: 'const all = influences.reduce((sum, one) => sum + (own(one) < 0n ? -own(one) : own(one)), 0n)',
    mutation: 'own(one) < 0n → own(one) <= 0n',
    because: SAME_WHEN_EQUAL,
  },
  {
    file: 'rules/attribution.ts',
    line: 'return added <= 0n ? 0n : mulDiv(sample.uniqueness, added, sample.influence)',
    mutation: 'added <= 0n → added < 0n',
    because: SAME_WHEN_EQUAL,
  },
  { file: 'rules/bps.ts', line: 'if (a < b) return a', mutation: 'a < b → a <= b', because: SAME_WHEN_EQUAL },
  { file: 'rules/bps.ts', line: 'if (a > b) return a', mutation: 'a > b → a >= b', because: SAME_WHEN_EQUAL },
  {
    file: 'rules/dawidSkene.ts',
    line: 'const before = sorted[i - 1]',
    mutation: 'i - 1 → i + 1',
    because: 'Of two equal neighbours, each is next to the other.',
  },
  {
    file: 'rules/dawidSkene.ts',
    line: 'for (let change = 1; change > TOLERANCE && rounds < MAX_ROUNDS; rounds++) {',
    mutation: 'change > TOLERANCE → change >= TOLERANCE',
    because: 'No change is exactly as large as the tolerance.',
  },
  {
    file: 'rules/dawidSkene.ts',
    line: 'for (let change = 1; change > TOLERANCE && rounds < MAX_ROUNDS; rounds++) {',
    mutation: 'rounds < MAX_ROUNDS → true',
    because: 'A bound on the work; no judgements are known that need as many rounds.',
  },
  {
    file: 'rules/dawidSkene.ts',
    line: 'for (let change = 1; change > TOLERANCE && rounds < MAX_ROUNDS; rounds++) {',
    mutation: 'rounds < MAX_ROUNDS → rounds <= MAX_ROUNDS',
    because: 'A bound on the work; no judgements are known that need as many rounds.',
  },
  {
    file: 'rules/hashOrder.ts',
    line: 'for (let i = 0; i < count; i++) {',
    mutation: 'i < count → i <= count',
    because: 'What is written beyond the end of a typed array is ignored.',
  },
  {
    file: 'rules/hashOrder.ts',
    line: 'for (let i = 1; i < count; i++)',
    mutation: 'i < count → i <= count',
    because: 'There is no hash beyond the end: the comparison gives NaN, which is not above 0.',
  },
  {
    file: 'rules/hashOrder.ts',
    line: 'for (let j = i; j > 0 && compareHashes(bytes, order[j - 1]!, order[j]!) > 0; j--)',
    mutation: 'j > 0 → true',
    because: 'There is no hash before the first: the comparison gives NaN, which is not above 0.',
  },
  {
    file: 'rules/hashOrder.ts',
    line: 'for (let j = i; j > 0 && compareHashes(bytes, order[j - 1]!, order[j]!) > 0; j--)',
    mutation: 'j > 0 → j >= 0',
    because: 'There is no hash before the first: the comparison gives NaN, which is not above 0.',
  },
  {
    file: 'rules/keccak.ts',
    line: 'const C = (x: number) => 51 + (x % 5)',
    mutation: '51 + (x % 5) → 51 - x % 5',
    because: 'The parities then share variables with B, which is written only after their last use.',
  },
  {
    file: 'rules/keccak.ts',
    line: 'const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)',
    mutation: 'rest === 0n && (low & 0x40) === 0 → rest === 0n || (low & 0x40) === 0',
    because: 'Differs only for values that the module does not hold (64 to 127, say).',
  },
  {
    file: 'rules/keccak.ts',
    line: 'const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)',
    mutation: 'rest === 0n → true',
    because: 'Differs only for values that the module does not hold (above 127 without bit 6).',
  },
  {
    file: 'rules/keccak.ts',
    line: 'const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)',
    mutation: '(low & 0x40) === 0 → true',
    because: 'Differs only for values that the module does not hold (64 to 127).',
  },
  {
    file: 'rules/keccak.ts',
    line: 'const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)',
    mutation: '(low & 0x40) !== 0 → true',
    because: 'Differs only for values that the module does not hold (−128 to −65).',
  },
  {
    file: 'rules/merkle.ts',
    line: 'for (let i = 0; i < HASH_BYTES; i++) {',
    mutation: 'i < HASH_BYTES → i <= HASH_BYTES',
    because: 'What is written beyond the end of a typed array is ignored.',
  },
  {
    file: 'rules/merkle.ts',
    line: 'const swap = compareHashes(nodes.bytes, left, right) > 0',
    mutation: 'compareHashes(nodes.bytes, left, right) > 0 → compareHashes(nodes.bytes, left, right) >= 0',
    because: 'Equal hashes may be swapped.',
  },
  {
    file: 'rules/merkle.ts',
    line: 'const word = value === 0n ? 0 : Number(BigInt.asUintN(32, value))',
    mutation: 'value === 0n → false',
    because: 'A shortcut: the long way gives 0, too.',
  },
  {
    file: 'rules/minhash.ts',
    line: 'for (let i = 0; i < lowest.length; i++) {',
    mutation: 'i < lowest.length → i <= lowest.length',
    because: 'What is written beyond the end of a typed array is ignored.',
  },
  {
    file: 'rules/promotion.ts',
    line: 'for (const id of serving) if (newest === null || id > newest) newest = id',
    mutation: 'id > newest → id >= newest',
    because: SAME_WHEN_EQUAL,
  },
  {
    file: 'rules/quality.ts',
    line: "if (error instanceof SampleError) return refused(entry.id, 'malformed', error.message, null)",
    mutation: 'error instanceof SampleError → true',
    because: "parseSample throws nothing else; the check keeps a fault of ours from being told as the contributor's.",
  },
  {
    file: 'rules/rewardMap.ts',
    line: 'return parent !== null && versions.has(parent) ? parent : null',
    mutation: 'parent !== null → true',
    because: 'No version has the id null; the check is there for the compiler.',
  },
  {
    file: 'rules/rewardMap.ts',
    line: 'return (index.hosts.get(versionId) ?? []).map(({ endpointId, host, fees }) => ({',
    mutation: '[] → ["Stryker was here"]',
    because: 'Only a version with fees has a pot for hosts, and fees have hosts.',
  },
  {
    file: 'rules/storedProposal.ts',
    line: "voter: '',",
    mutation: '\'\' → "Stryker was here!"',
    because: 'Who voted does not change a sum.',
  },
  {
    file: 'rules/tally.ts',
    line: 'if (asOf !== undefined && vote.block > asOf) continue',
    mutation: 'asOf !== undefined → true',
    because: NOT_WITH_UNDEFINED,
  },
  {
    file: 'rules/tally.ts',
    line: 'const happened = (block: bigint | undefined) => block !== undefined && block <= asOf.block',
    mutation: 'block !== undefined → true',
    because: NOT_WITH_UNDEFINED,
  },
  {
    file: 'rules/tally.ts',
    line: 'const early = proposal.superQuorum !== undefined && sum.for >= proposal.superQuorum && succeeded',
    mutation: 'proposal.superQuorum !== undefined → true',
    because: NOT_WITH_UNDEFINED,
  },
  {
    file: 'rules/tally.ts',
    line: 'const [, against, favour, abstain] = params?.match(PACKED) ?? []',
    mutation: '[] → ["Stryker was here"]',
    because: 'The first entry of a match, the whole text, is not read.',
  },
  {
    file: 'rules/tally.ts',
    line: 'for (const extension of proposal.extensions ?? [])',
    mutation: '[] → ["Stryker was here"]',
    because: 'A text has no block and extends nothing.',
  },
  {
    file: 'rules/tally.ts',
    line: 'return expiresAt !== undefined && asOf.time > expiresAt',
    mutation: 'expiresAt !== undefined → true',
    because: NOT_WITH_UNDEFINED,
  },
  {
    file: 'rules/addedInfluence.ts',
    line: 'if (most === 0n) return own',
    mutation: 'most === 0n → false',
    because: 'Taking nothing away records the same influence again.',
  },
  {
    file: 'rules/commitments.ts',
    line: '.reduce<bigint | undefined>((first, order) => (first === undefined || order < first ? order : first), undefined)',
    mutation: 'order < first → order <= first',
    because: SAME_WHEN_EQUAL,
  },
  {
    file: 'rules/comparedText.ts',
    line: 'for (const j of matches[i - direction * rows.length]?.partners ?? []) row[j] = 0',
    mutation: '[] → ["Stryker was here"]',
    because: 'An array of numbers ignores a name that is no position.',
  },
  {
    file: 'rules/comparedText.ts',
    line: 'if (place - before <= MAX_GAP + 1) for (let between = before + 1; between < place; between++) places.add(between)',
    mutation: 'between < place → between <= place',
    because: 'The place itself is in the set already.',
  },
  {
    file: 'rules/confusables.ts',
    line: 'if (form === undefined) {',
    mutation: 'form === undefined → true',
    because: 'Without its memory the function gives the same answers, only later.',
  },
  {
    file: 'rules/quality.ts',
    line: 'else if (list.length < keep) list.push(value)',
    mutation: 'list.length < keep → list.length <= keep',
    because:
      'A bound on the work: one candidate more, which a test would have to tell from those that MinHash and keys find.',
  },
  {
    file: 'rules/verification.ts',
    line: 'if (Array.isArray(a)) return a.length === theirs.length && a.every((item, place) => isSame(item, theirs[place]))',
    mutation: 'Array.isArray(a) → false',
    because: 'The keys of a list are its positions: the same answer, only later.',
  },
  {
    file: 'rules/verification.ts',
    line: "list: 'sums',",
    mutation: '\'sums\' → ""',
    because: 'The two sums have different names, so their order is never told.',
  },
  {
    file: 'rules/canonicalJson.ts',
    line: `if (name === members[place - 1]?.name) throw new RangeError(\`The key \${name} appears twice.\`)`,
    mutation: 'place - 1 → place + 1',
    because: 'Of two neighbours that are the same, each has the other beside it.',
  },
  {
    file: 'rules/canonicalJson.ts',
    line: 'const PLAIN = /^[ !#-[\\]-~]*$/',
    mutation: '/^[ !#-[\\]-~]*$/ → /^[ !#-[\\]-~]$/',
    because: PLAIN_IS_A_SHORT_CUT,
  },
  {
    file: 'rules/canonicalJson.ts',
    line: `if (PLAIN.test(text)) return \`"\${text}"\``,
    mutation: 'PLAIN.test(text) → false',
    because: PLAIN_IS_A_SHORT_CUT,
  },
  {
    file: 'rules/decimalText.ts',
    line: 'const size = ppm < 0n ? -ppm : ppm',
    mutation: 'ppm < 0n → ppm <= 0n',
    because: SAME_WHEN_EQUAL,
  },
]
