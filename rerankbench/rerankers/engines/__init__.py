"""Ways to run an encoder's forward pass: one module an engine, one contract for all of them."""
