"""What we do: one verb a file; each may run twice safely."""
