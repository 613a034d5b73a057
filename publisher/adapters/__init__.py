"""How we reach out: one mechanism a file, none imports another, foreign errors are translated here."""
