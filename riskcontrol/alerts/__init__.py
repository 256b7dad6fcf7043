"""Telling owners what their strategies do: what to tell, when, and how to send it. docs/alerts.md has the design."""
