"""Weights that the project trained, as package data."""
