// biome-ignore-all lint/style/noNonNullAssertion: numeric kernel, its indices are in range by construction

/** The peer: a rolling hash over all documents counts the positions where `length` tokens of the answer may occur. */
export function scan(documents: Int32Array[], answer: number[], length: number): number {
  const hashes = (tokens: ArrayLike<number>, use: (hash: number) => void) => {
    let out = 1
    for (let i = 1; i < length; i++) out = Math.imul(out, 0x01000193)
    let hash = 0
    for (let i = 0; i < tokens.length; i++) {
      if (i >= length) hash -= Math.imul(tokens[i - length]!, out)
      hash = (Math.imul(hash, 0x01000193) + tokens[i]!) | 0
      if (i >= length - 1) use(hash)
    }
  }
  const wanted = new Set<number>()
  hashes(answer, (hash) => wanted.add(hash))
  let found = 0
  for (const document of documents)
    hashes(document, (hash) => {
      if (wanted.has(hash)) found++
    })
  return found
}
