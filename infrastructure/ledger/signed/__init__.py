"""What is signed, and how it is written: notes, checkpoints, cosignatures, proofs that travel."""
