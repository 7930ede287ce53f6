"""Tracks of different cameras joined while they come in."""
