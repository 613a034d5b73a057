"""The site as readers meet it: files of the public folder from memory, and the few pages that are made when asked."""
