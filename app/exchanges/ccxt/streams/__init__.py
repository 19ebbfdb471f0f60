"""What an exchange streams, and how a broken stream is opened again."""
