"""Matrix (Synapse) as the company's chat."""
