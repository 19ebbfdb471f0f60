"""Markets, accounts and strategies that tests of the services set by hand."""
