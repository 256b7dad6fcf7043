"""RiskControl: paper-trade a strategy on the real tape, beside a hundred thousand others."""
