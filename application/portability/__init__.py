"""What a person takes along: everything that is held about them, and what happened to it."""
