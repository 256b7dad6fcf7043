"""Who may sign in, and what a session or a link opens: pure, over a `Store` that others bring."""
