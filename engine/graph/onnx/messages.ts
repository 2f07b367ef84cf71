import type { OnnxAttribute, OnnxAttributes, TypedData } from '../node.ts'
import type { Dtype, Shape } from '../shape.ts'
import { type Bytes, field, floatField, integerField } from './protobuf.ts'

// The messages of onnx.proto (IR version 9) that the lowering writes.

export const DATA_TYPE: Readonly<Record<Dtype, number>> = { f32: 1, i32: 6, i64: 7, bool: 9 }

const ATTRIBUTE_TYPE = { float: 1, integer: 2, string: 3, graph: 5, integers: 7 } as const

export const tensorMessage = (name: string, shape: Shape, dtype: Dtype, data: TypedData): Bytes[] => [
  ...shape.map((extent) => integerField(1, extent)),
  integerField(2, DATA_TYPE[dtype]),
  field(8, name),
  field(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
]

export const valueMessage = (name: string, shape: Shape, dtype: Dtype): Bytes[] => {
  const dimensions = shape.map((extent) => field(1, integerField(1, extent)))
  return [field(1, name), field(2, field(1, [integerField(1, DATA_TYPE[dtype]), field(2, dimensions)]))]
}

const attributeMessage = (name: string, value: OnnxAttribute): Bytes[] => {
  const typed = (type: keyof typeof ATTRIBUTE_TYPE, ...content: Bytes[]): Bytes[] => [
    field(1, name),
    ...content,
    integerField(20, ATTRIBUTE_TYPE[type]),
  ]
  if (typeof value === 'number') return typed('integer', integerField(3, value))
  if (typeof value === 'string') return typed('string', field(4, value))
  if ('float' in value) return typed('float', floatField(2, value.float))
  if ('graph' in value) return typed('graph', field(6, value.graph))
  return typed('integers', ...value.map((each) => integerField(8, each)))
}

export const nodeMessage = (
  name: string,
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: OnnxAttributes,
  domain: string,
): Bytes[] => [
  ...inputs.map((each) => field(1, each)),
  ...outputs.map((each) => field(2, each)),
  field(3, name),
  field(4, type),
  ...Object.entries(attributes).map(([key, value]) => field(5, attributeMessage(key, value))),
  ...(domain ? [field(7, domain)] : []),
]

export const graphMessage = (parts: {
  name: string
  nodes: readonly Bytes[]
  constants: readonly Bytes[]
  inputs: readonly Bytes[]
  outputs: readonly Bytes[]
}): Bytes[] => [
  ...parts.nodes.map((each) => field(1, each)),
  field(2, parts.name),
  ...parts.constants.map((each) => field(5, each)),
  ...parts.inputs.map((each) => field(11, each)),
  ...parts.outputs.map((each) => field(12, each)),
]

/** A model with IR version 9, operator set 21 and the contributed operators of ONNX Runtime. */
export const modelMessage = (graph: readonly Bytes[]): Bytes[] => [
  integerField(1, 9),
  field(7, graph),
  field(8, integerField(2, 21)),
  field(8, [field(1, 'com.microsoft'), integerField(2, 1)]),
]
