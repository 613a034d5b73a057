"""What things are: documents, entries, issues, links, deliveries, as values and pure decisions."""
