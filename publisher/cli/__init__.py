"""The command line: one file a command, each turning words into a verb and its report into words."""
