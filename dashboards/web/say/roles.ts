const METHODS: Record<string, string> = {
  sft: 'fine-tuned',
  dpo: 'aligned by DPO',
  rloo: 'aligned by RLOO',
  grpo: 'aligned by GRPO',
}
export const methodTitle = (method: string) => METHODS[method] ?? method
