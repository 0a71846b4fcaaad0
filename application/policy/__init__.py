"""The privacy policy at work: its versions, its rows as data, and the purposes it allows."""
