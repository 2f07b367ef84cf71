import { Id, OffChain, Text, Time, Wei } from '../define.ts'

@OffChain('Bytes in the artifact store, named by their keccak256.')
export class Artifact {
  @Id('The keccak256 of the bytes.') id!: string
  @Text(
    'The kind: sample, adapter, manifest, evaluationLog, usage, rewardMap, specification, rubric, item, checkpoint.',
    { index: true },
  )
  kind!: string
  @Text('The MIME type of its bytes.') mediaType!: string
  @Wei('Its size in bytes.') size!: bigint
  @Time('When it was stored.') createdAt!: Date
}
