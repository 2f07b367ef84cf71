/**
 * The byte alphabet of GPT-2 (Radford et al., 2019): one printable character for each of the 256 bytes. Printable Latin-1
 * bytes map to themselves, the others to the characters from U+0100 on.
 */
export const byteToChar: readonly string[] = (() => {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad)
    return String.fromCodePoint(printable ? byte : next++)
  })
})()

export const charToByte: ReadonlyMap<string, number> = new Map(byteToChar.map((char, byte) => [char, byte]))

/** How GPT-2 splits text into words before merging: contractions, words, numbers, other characters, and whitespace. */
export const wordPattern = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu
