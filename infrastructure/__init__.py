"""Driven adapters: what the ports of `application` stand on."""
