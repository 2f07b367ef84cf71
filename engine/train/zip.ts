/** Pairs of elements with the same index. @throws Error when the lists differ in length. */
export function zip<A, B>(left: Iterable<A>, right: Iterable<B>): [A, B][] {
  const [as, bs] = [Array.from(left), Array.from(right)]
  if (as.length !== bs.length) throw new Error(`Lists of ${as.length} and ${bs.length} elements cannot be paired.`)
  return as.map((a, index) => [a, bs[index] as B])
}
