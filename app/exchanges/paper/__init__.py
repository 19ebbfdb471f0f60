"""The paper exchange: no real money, simulated or mirrored prices, real rules, a durable ledger."""
