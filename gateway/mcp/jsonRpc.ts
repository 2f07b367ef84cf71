/** Errors before a message is read, in the form of JSON-RPC. */
export const jsonRpcErrorBody = (code: number, message: string) => ({
  jsonrpc: '2.0',
  id: null,
  error: { code, message },
})

export const jsonRpcError = (status: number, code: number, message: string): Response =>
  Response.json(jsonRpcErrorBody(code, message), { status })
