"""The report of a backtest: one HTML file with charts drawn as SVG; it loads nothing."""

from riskcontrol.report.page import page, write_report

__all__ = ["page", "write_report"]
