"""The pages, one module each; `layout` makes the page from its address, `register` adds its callbacks."""
