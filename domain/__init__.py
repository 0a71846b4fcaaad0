"""Pure decisions: frozen dataclasses and functions, standard library only."""
