"""The network as it is edited by hand: blocks that one pulls, and figures that follow in the same frame."""
