"""General building blocks: a fair scheduler, one answer for all who ask, backoff, a bounded dict."""
