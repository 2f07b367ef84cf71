export { custom, type LoopBody, loop, withGradient } from './control.ts'
export { type Device, DeviceError } from './device.ts'
export * from './elementwise.ts'
export { FeedError } from './feedChecks.ts'
export { grad } from './grad.ts'
export * from './indexing.ts'
export { matmul, transposeLast } from './matmul.ts'
export * from './movement.ts'
export { constant, input, type Node, type NodesLike, type Operand, scalar, topologicalOrder } from './node.ts'
export { type Graph, toOnnx } from './onnx/lower.ts'
export { type OnnxRuntimeOptions, onnxRuntime } from './onnxruntime.ts'
export { argmax, cumsum, max, mean, sum } from './reduce.ts'
export { rotary } from './rotary.ts'
export {
  type CompileOptions,
  DeviceTensors,
  type GraphRunner,
  outputNamed,
  type Program,
  ProgramCache,
  type Results,
} from './runner.ts'
export { type Dtype, extentOf, GraphError, type Shape, sizeFromShape } from './shape.ts'
export { logSoftmax, softmax } from './softmax.ts'
export { type Feeds, type FeedValue, Tensor, tensor } from './tensor.ts'
