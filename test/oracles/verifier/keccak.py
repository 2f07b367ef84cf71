"""Keccak-256 as Ethereum uses it: FIPS 202's permutation with the padding of the original submission (first byte 0x01)."""

RATE = 136  # bytes of the state that each block fills; the other 64 are the capacity
MASK = (1 << 64) - 1


def _round_constants():
    """The 24 constants of the step iota, from the shift register of FIPS 202, algorithm 5."""
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for bit in range(7):
            if register & 1:
                constant |= 1 << ((1 << bit) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return constants


def _path():
    """The lanes in the order in which rho and pi visit them, each with its rotation."""
    x, y, path = 1, 0, []
    for t in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        path.append((x + 5 * y, (t + 1) * (t + 2) // 2 % 64))
    return path


ROUND_CONSTANTS = _round_constants()
PATH = _path()


def _rotate(lane, by):
    return ((lane << by) | (lane >> (64 - by))) & MASK


def _permute(lanes):
    """Keccak-f[1600] on 25 lanes of 64 bits; lane (x, y) is lanes[x + 5y]."""
    for constant in ROUND_CONSTANTS:
        # theta
        columns = [lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5)]
        change = [columns[x - 1] ^ _rotate(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [lane ^ change[i % 5] for i, lane in enumerate(lanes)]
        # rho and pi
        moving = lanes[1]
        for target, by in PATH:
            lanes[target], moving = _rotate(moving, by), lanes[target]
        # chi
        rows = [lanes[y : y + 5] for y in range(0, 25, 5)]
        lanes = [row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & MASK) for row in rows for x in range(5)]
        # iota
        lanes[0] ^= constant
    return lanes


def keccak256(data):
    """The 32 bytes of the digest of `data`."""
    padded = bytearray(data) + bytes(RATE - len(data) % RATE)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), RATE):
        for i in range(RATE // 8):
            at = start + 8 * i
            lanes[i] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permute(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


def keccak_hex(data):
    """The name of an artifact with the bytes `data`."""
    return "0x" + keccak256(data).hex()
