"""Migrations, backups, restores, and looking at a database's health."""
