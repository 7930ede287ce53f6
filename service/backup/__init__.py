"""The whole state of a service in one file, and back."""
