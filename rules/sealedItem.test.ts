import { expect, test } from 'vitest'
import { itemSalt, sealedItemHash } from './sealedItem.ts'

const salt = `0x${'01'.repeat(32)}`
const item = { prompt: 'Where is order 7?', completion: 'On its way.' }

test('a hash binds prompt, completion, place and salt', () => {
  const hashes = [
    sealedItemHash(itemSalt(salt, 0), item),
    sealedItemHash(itemSalt(salt, 1), item),
    sealedItemHash(itemSalt(`${salt}0`, 0), item),
    sealedItemHash(itemSalt(salt, 0), { ...item, prompt: `${item.prompt} ` }),
    sealedItemHash(itemSalt(salt, 0), { ...item, completion: '' }),
    sealedItemHash(itemSalt(salt, 0), { prompt: item.completion, completion: item.prompt }),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
  expect(sealedItemHash(itemSalt(salt, 0), { ...item })).toBe(hashes[0])
})

test('a hash is the keccak256 of the canonical JSON, so that another program can compute it', () => {
  expect(itemSalt(salt, 3)).toBe('0xba3e418d7682c9ed11360fd293808ffaf5d99f87899e5bc65a8a3cc63b49eee3')
  expect(sealedItemHash(itemSalt(salt, 3), item)).toBe(
    '0x337eda827d5b51a3857c4c1ffedc83f89978fb8403212fbc2772aff77b4bea8a',
  )
})
