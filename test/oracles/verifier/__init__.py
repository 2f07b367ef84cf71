"""A second verifier of reward maps, written from docs/protocol.md and rules/README.md alone."""
