"""The hash tree: RFC 6962, its tiles, and whether what is stored is what was hashed."""
