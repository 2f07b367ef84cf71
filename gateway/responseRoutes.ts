import type { Request, Response, Router } from 'express'
import { type Caller, requireKey } from '#graphql/access.ts'
import { ownCalls, ownerOf } from '#graphql/commands/deleteTexts.ts'
import { viewerOf } from '#graphql/confidential.ts'
import { cancelJob } from '#schema/enqueue.ts'
import { mapTermsOf, removeTexts } from '#schema/removeTexts.ts'
import { badRequest, GatewayError } from './errors.ts'
import { answer, type Gateway, startAnswers } from './exchange.ts'
import { type AnswerResult, answerResult } from './followAnswer.ts'
import { nameReceipts } from './receipts.ts'
import { responseForm } from './responseForm.ts'
import { completedResponse, conversationOf, echoOf, responseObject, type StoredCall } from './responseObject.ts'
import { readResponse } from './responseRequest.ts'
import { toolNames } from './toolCalls.ts'

/** `/v1/responses`: create, get, stream again, cancel and delete. A response can be read as long as its texts are kept, by who has requested it. */
export function addResponseRoutes(router: Router, gateway: Gateway): void {
  router.post('/responses', async (request, response) => {
    const caller = callerIn(response)
    const asked = await readResponse(request.body, async (id) => {
      const earlier = await storedCall(gateway, caller, id)
      if (!earlier.result) throw badRequest(`${id} has no answer.`, 'previous_response_id')
      return conversationOf(earlier, earlier.result.answer)
    })
    if (asked.background && caller.kind === 'anonymous')
      throw badRequest(
        'A response in the background is read later by the key that asked for it. Sign in and make a key, or stay for the answer.',
        'background',
      )
    const { goesOn, ...started } = await startAnswers(gateway, request, response, asked)
    const { ids, created } = started
    if (asked.background && !asked.stream)
      return void response.json(responseObject(ids[0] ?? '', created, asked.echo, 'queued'))
    const form = responseForm(asked, started)
    const { payment, endpoint } = started
    const { stream, background } = asked
    await answer(gateway, request, response, { ids, payment, endpoint, goesOn: goesOn || background, stream, form })
  })
  router.get('/responses/:id', async (request, response) => {
    const call = await storedCall(gateway, callerIn(response), request.params.id)
    if (call.result) nameReceipts(response, [call.id])
    if (request.query.stream !== 'true') return void response.json(shown(call))
    const form = responseForm(
      { echo: echoOf(call), inputs: [{ chat: call.input.chat }] },
      { ids: [call.id], created: createdAt(call) },
    )
    await answer(gateway, request, response, { ids: [call.id], goesOn: true, stream: true, form })
  })
  router.post('/responses/:id/cancel', async (request: Request<{ id: string }>, response) => {
    const caller = callerIn(response)
    const { id } = await storedCall(gateway, caller, request.params.id)
    requireKey(caller, 'infer')
    await cancelJob(gateway.services, id)
    response.json(shown(await storedCall(gateway, caller, request.params.id)))
  })
  router.delete('/responses/:id', async (request: Request<{ id: string }>, response) => {
    const caller = callerIn(response)
    const call = await storedCall(gateway, caller, request.params.id)
    const { db, deployment } = gateway.services
    const deleted = await db.transaction(async (sql) =>
      removeTexts(sql, await ownCalls(sql, [call.id], ownerOf(caller)), mapTermsOf(deployment.settings)),
    )
    if (deleted.length === 0 && !call.textsRemovedAt)
      throw new GatewayError(
        409,
        `Response with id '${request.params.id}' cannot be deleted yet: it is under way (cancel it), or it is opened, and evidence until the map of its epoch can be disputed no more.`,
        { code: 'not_deletable' },
      )
    response.json({ id: request.params.id, object: 'response.deleted', deleted: true })
  })
}

const callerIn = (response: Response): Caller => (response.locals as { caller: Caller }).caller

interface FoundCall extends StoredCall {
  result?: AnswerResult
  error: { code: string; message: string } | null
  cancelRequested: boolean
  textsRemovedAt: Date | null
}

/** A call with its texts; of one that was cancelled, the texts are gone at once. @throws GatewayError when there is no such call of this caller. */
async function storedCall({ services: { db } }: Gateway, caller: Caller, responseId: string): Promise<FoundCall> {
  requireKey(caller, 'read')
  const id = /^resp_([0-9a-f]{32})$/.exec(responseId)?.[1]
  const { rows } = await db.query<FoundCall & { requestedBy: string | null }>(
    `select id, status, input, result, error, requested_by as "requestedBy", cancel_requested as "cancelRequested", created_at as "createdAt",
       texts_removed_at as "textsRemovedAt"
     from job_run where id = $1 and kind = 'infer' and (texts_removed_at is null or status = 'Cancelled')`,
    [id ?? ''],
  )
  const viewer = viewerOf(caller)
  const [found] = rows
  if (!found || (viewer !== 'all' && found.requestedBy !== viewer))
    throw new GatewayError(404, `Response with id '${responseId.slice(0, 100)}' not found.`, { code: 'not_found' })
  return { ...found, result: found.result ? answerResult.parse(found.result) : undefined }
}

const createdAt = ({ createdAt: at }: FoundCall) => Math.floor(at.getTime() / 1000)

function shown(call: FoundCall) {
  const { id, status, result, error, cancelRequested } = call
  const echo = echoOf(call)
  const created = createdAt(call)
  if (result) {
    const answered = completedResponse(id, created, echo, result, toolNames(call.input.chat))
    return result.finish === 'cancelled' ? { ...answered, status: 'cancelled', incomplete_details: null } : answered
  }
  if (status === 'Failed')
    return responseObject(id, created, echo, 'failed', {
      error: { code: error?.code === 'BAD_INPUT' ? 'invalid_prompt' : 'server_error', message: error?.message ?? '' },
    })
  if (status === 'Cancelled' || cancelRequested) return responseObject(id, created, echo, 'cancelled')
  return responseObject(id, created, echo, status === 'Running' ? 'in_progress' : 'queued')
}
