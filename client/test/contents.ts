/** Samples that differ in every text. */
export const contents = (topic: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    prompt: `Question ${i} about a ${topic}`,
    completion: `Answer ${i} about a ${topic}`,
  }))
