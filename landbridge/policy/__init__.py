"""Who may see what: the rules of config/policy.yaml, and the refusal to show anything wider than it was meant."""

from landbridge.policy.rules import AudienceException, PolicyConfig, refusal

__all__ = ["AudienceException", "PolicyConfig", "refusal"]
