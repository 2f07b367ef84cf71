"""Step 9: the root of OpenZeppelin's standard Merkle tree over the leaves of a reward map."""

from .keccak import keccak256

NO_ROOT = "0x" + "00" * 32


def _word(number):
    return number.to_bytes(32, "big")


def _leaf_hash(chain_id, distributor, epoch, account, cumulative):
    words = [chain_id, int(distributor, 16), epoch, int(account, 16), cumulative]
    return keccak256(keccak256(b"".join(map(_word, words))))


def merkle_root(chain_id, distributor, epoch, leaves):
    """The root of `leaves`, (account, cumulative) pairs; None where an amount is no uint256."""
    if any(cumulative >= 2**256 for _, cumulative in leaves):
        return None
    if not leaves:
        return NO_ROOT
    hashes = sorted(_leaf_hash(chain_id, distributor, epoch, *leaf) for leaf in leaves)
    nodes = [b""] * (len(hashes) - 1) + hashes[::-1]
    for i in reversed(range(len(hashes) - 1)):
        nodes[i] = keccak256(b"".join(sorted(nodes[2 * i + 1 : 2 * i + 3])))
    return "0x" + nodes[0].hex()
