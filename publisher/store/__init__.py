"""What we remember: core values in and out, never rows."""
