"""A day at a company whose tools are joined: what happens in one product is looked for in the others."""
