"""One file per verb: take a campaign, call the work, write a product, tell the ledger."""
