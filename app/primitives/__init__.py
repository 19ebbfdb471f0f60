"""Building blocks for any package: fair scheduling, shared answers, backoff, a bounded dict."""
