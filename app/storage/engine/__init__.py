"""How statements reach a database: connections, the SQLite writer, column types, paging, errors."""
