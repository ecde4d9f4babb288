"""How fast xpnet is, beside the book's computation: see README.md."""
