"""How statements reach a database: connections, the SQLite writer, column types, pages and errors."""
