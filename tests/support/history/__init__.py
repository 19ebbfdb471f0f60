"""A database with years of trading in it, built quickly, for SQLite and PostgreSQL."""
