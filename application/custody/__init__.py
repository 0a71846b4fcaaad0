"""What binds a person's keys: legal holds that pin them, restrictions, erasures."""
