"""Step 2: whose signature a usage document has. ECDSA over secp256k1 (SEC 1, section 4.1.6), of a message as EIP-712 hashes it."""

import re

from .keccak import keccak256

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

DOMAIN = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
USAGE = b"Usage(uint256 epoch,bytes32 document)"


def _word(number):
    return number.to_bytes(32, "big")


def usage_digest(chain_id, distributor, epoch, document):
    names = [keccak256(text) for text in (DOMAIN, b"RewardDistributor", b"1")]
    domain = keccak256(b"".join([*names, _word(chain_id), _word(int(distributor, 16))]))
    message = keccak256(b"".join([keccak256(USAGE), _word(epoch), bytes.fromhex(document[2:])]))
    return keccak256(b"\x19\x01" + domain + message)


def signer(digest, signature):
    """The account that signed `digest`; None when the signature has not the form that counts, or is nobody's."""
    if not re.fullmatch("0x[0-9a-f]{128}1[bc]", signature):
        return None
    r, s, v = int(signature[2:66], 16), int(signature[66:130], 16), int(signature[130:], 16)
    square = (pow(r, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if not (0 < r < N and 0 < s <= N // 2) or y * y % P != square:
        return None
    point = (r, y if y % 2 == v - 27 else P - y)
    inverse = pow(r, -1, N)
    key = _add(_times(-int.from_bytes(digest, "big") * inverse % N, G), _times(s * inverse % N, point))
    return "0x" + keccak256(_word(key[0]) + _word(key[1]))[12:].hex() if key else None


# Points are (x, y); None is the point at infinity.


def _add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def _times(factor, point):
    sum = None
    while factor:
        if factor & 1:
            sum = _add(sum, point)
        point = _add(point, point)
        factor >>= 1
    return sum
