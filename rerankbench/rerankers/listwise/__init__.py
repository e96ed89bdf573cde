"""Language models that write an order of several passages."""
