"""An exchange that trades no money: simulated prices, real rules, durable books."""
