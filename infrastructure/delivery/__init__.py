"""What leaves over the network: addresses that may be connected to, signed deliveries. README D6."""
