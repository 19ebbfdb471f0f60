"""Building blocks for any room: fair turns, one answer for many askers, backoff, a bounded dict."""
