"""How statements reach a database: connections, the writer, column types, pages, errors."""
