import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { freshDatabase } from '#test/database.ts'
import { publicMessage, publicText } from './publicMessage.ts'

describe('what clients read of an error', () => {
  test.each([
    [
      "ENOENT: no such file or directory, open '/var/lib/modelcommons/cache/folders/ab/model.safetensors'",
      'model.safetensors',
    ],
    ['The checkpoint /srv/gpu box/checkpoints/1/training could not be written', 'training could not'],
    ['cannot open file:///home/alice/.modelcommons/artifacts/x.json', 'x.json'],
    ['(/root/secret/key.pem)', '(key.pem)'],
    ['path=/etc/modelcommons/env', 'path=env'],
    ['at C:\\Users\\alice\\models\\config.json: not JSON', 'config.json: not JSON'],
    ['\\\\server\\share\\alice\\config.json', 'config.json'],
    ['failed:/opt/app/engine/child.ts', 'child.ts'],
  ])('%s keeps only the name of the file', (message, kept) => {
    const shown = publicText(message)
    expect(shown).toContain(kept)
    expect(shown).not.toMatch(/var\/lib|srv|alice|root|etc|opt\/app|Users|server/)
  })

  test.each([
    ['no answer from postgresql://me:secret@host/db', 'no answer from postgresql://me:…@host/db'],
    ['URL: https://mainnet.example.io/v3/0secretkey', 'URL: https://mainnet.example.io/…'],
    ['https://rpc.example/?apikey=secret failed', 'https://rpc.example/… failed'],
    ['redis://:p@ss/secret@10.0.0.1:6379', 'redis://:…@10.0.0.1:6379'],
    ['wss://token:secret@rpc.example', 'wss://token:…@rpc.example'],
    ['password=secret host=db', 'password=… host=db'],
    ['Authorization: Bearer secret.secret', 'Authorization: Bearer …'],
    ['{"secretAccessKey":"secret"}', '{"secretAccessKey":"…"}'],
    ['X-Amz-Signature=secret&x=1', 'X-Amz-Signature=…&x=1'],
  ])('%s shows no credentials', (message, shown) => {
    expect(publicText(message)).toContain(shown)
    expect(publicText(message)).not.toMatch(/secret(?!AccessKey)/)
  })

  test.each([
    'Task 3 accepts reveals until 2026-01-01T00:00:00.000Z (chain time). Settle after that.',
    'The prompt has 90 of 64 tokens; read and/or shorten it (1/2).',
    'Request 0: the schema at #/properties/a/items requires "b", which is not one of its properties.',
    'Artifact 0xab12 is not in the store. Set S3_ENDPOINT and S3_BUCKET.',
    'application/json is not text/plain',
  ])('%s stays as it is', (message) => expect(publicText(message)).toBe(message))

  test('has no character that the database refuses', async () => {
    const db = await freshDatabase()
    const message = publicMessage(new Error('the output \0 is not JSON'))
    const { rows } = await db.query('select $1::jsonb as stored', [JSON.stringify({ message })])
    expect(rows[0].stored.message).toBe('the output  is not JSON')
  })

  test('is one line of at most 500 characters', () => {
    expect(publicMessage(new Error(`${'x'.repeat(900)}\n    at stack`))).toHaveLength(500)
    expect(publicMessage(new Error('first\nsecond'))).toBe('first')
  })

  test('shows no folder of a random path, wherever it stands', () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9_.-]{3,12}$/)
    const around = fc.constantFrom('"', "'", '`', '(', ' ', '[', '<', '=', ', ')
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), name, around, (folders, file, mark) => {
        const parts = folders.map((part) => `dir${part}`)
        const shown = publicText(`cannot read ${mark}/${[...parts, file].join('/')}${mark} now`)
        for (const part of parts) expect(shown).not.toContain(`${part}/`)
      }),
      { seed: 3, numRuns: 300 },
    )
  })
})
