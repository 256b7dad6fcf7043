"""The Dash pages on a FastAPI server."""
