"""The signer: its keys, its memory, and the socket that it sits behind."""
