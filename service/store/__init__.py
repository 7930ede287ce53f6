"""What the service keeps: SQLite or PostgreSQL, one writer for what cameras produce."""
