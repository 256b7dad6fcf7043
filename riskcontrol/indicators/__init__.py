"""Technical indicators on closed bars, each computed a bar at a time.

`registry` tells which there are, with their parameters and outputs; a file each says what it is and computes it
(`sma`, `ema`, ...); `kernel` dispatches to them; `batch` runs whole columns. One indicator is a vector of parameters
and a small vector of state: the same numbers come out however the bars are cut.
"""
