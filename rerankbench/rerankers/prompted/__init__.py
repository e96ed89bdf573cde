"""Language models that answer a prompt about a query and a document."""
