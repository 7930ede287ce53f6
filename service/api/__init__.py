"""The HTTP interface: one module a group of routes, each with its `router`."""
