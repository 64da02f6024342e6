"""SCIM 2.0 providers (RFC 7643, RFC 7644), those that break the standard included."""
