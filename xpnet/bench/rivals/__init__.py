"""Other libraries, each doing what its own documentation would have a user do."""
