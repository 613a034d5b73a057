"""What things look like: core values in; str, bytes or mail out; same in, same bytes out."""
