import { exp, mul, sub } from './elementwise.ts'
import { apply, type Emitter, type Node, type OneInput, type Operation } from './node.ts'
import { sum } from './reduce.ts'

const softmaxOperation: Operation<null, OneInput> = {
  name: 'softmax',
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  gradient: (probabilities, d) => {
    const e = mul(d, probabilities)
    return [sub(e, mul(probabilities, sum(e, [-1])))]
  },
  onnx: ({ inputs: [x] }, emitter) => emitter.emit('Softmax', [emitter.nameOf(x)], { axis: -1 }),
}

/** Probabilities along the last axis. */
export const softmax = (x: Node): Node => apply(softmaxOperation, [x], null)

const logSoftmaxOperation: Operation<null, OneInput> = {
  name: 'logSoftmax',
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  gradient: (node, d) => [sub(d, mul(exp(node), sum(d, [-1])))],
  onnx: (node, emitter) => {
    const x = emitter.nameOf(node.inputs[0])
    return emitter.provider === 'cpu'
      ? emitter.emit('LogSoftmax', [x], { axis: -1 })
      : composedLogSoftmax(x, node, emitter)
  },
}

/** x - max(x) - log(sum(exp(x - max(x)))), because WebGPU has no LogSoftmax. */
function composedLogSoftmax(x: string, node: Node, emitter: Emitter): string {
  const axis = emitter.integers([node.shape.length - 1])
  const shifted = emitter.emit('Sub', [x, emitter.emit('ReduceMax', [x, axis], { keepdims: 1 })])
  const total = emitter.emit('ReduceSum', [emitter.emit('Exp', [shifted]), axis], { keepdims: 1 })
  return emitter.emit('Sub', [shifted, emitter.emit('Log', [total])])
}

/** Log-probabilities along the last axis. */
export const logSoftmax = (x: Node): Node => apply(logSoftmaxOperation, [x], null)
