"""The database: stores, tables, engine and upkeep. No other package contains SQL."""
