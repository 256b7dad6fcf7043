"""The API under /api/v1: the same tables, tape and rules about who sees what as the pages, for programs."""
