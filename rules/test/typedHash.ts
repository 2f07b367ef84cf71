import { encodeAbiParameters, type Hex, keccak256, stringToBytes } from 'viem'

type Member = readonly [type: string, value: unknown]

/** EIP-712 by its specification: the hash of the type as it is written in the contract, then one word for each member. */
export function typedHash(domain: { name: string; contract: Hex }, type: string, members: readonly Member[]): Hex {
  const struct = (text: string, fields: readonly Member[]) =>
    keccak256(
      encodeAbiParameters(
        [{ type: 'bytes32' }, ...fields.map(([kind]) => ({ type: kind }))],
        [keccak256(stringToBytes(text)), ...fields.map(([, value]) => value)],
      ),
    )
  const separator = struct('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)', [
    ['bytes32', keccak256(stringToBytes(domain.name))],
    ['bytes32', keccak256(stringToBytes('1'))],
    ['uint256', 31_337n],
    ['address', domain.contract],
  ])
  return keccak256(`0x1901${separator.slice(2)}${struct(type, members).slice(2)}`)
}
