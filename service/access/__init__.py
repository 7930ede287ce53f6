"""Who may do what: keys, sessions, roles, attempts, and where streams may come from."""
