"""Official answers: lists of rows derived from what happened, one file for each."""
