"""Access tokens, and the audit log of who changed what."""
