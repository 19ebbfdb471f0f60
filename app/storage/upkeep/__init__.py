"""Migrations, backups, restores, and checks of a database's health."""
