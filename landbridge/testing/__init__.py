"""What tests of connectors and of the engine stand on."""
