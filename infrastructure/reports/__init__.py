"""Reports as bytes: one rendering a file, all of the same rows."""
