"""Who may see what: the rules of config/policy.yaml, which private spaces are read, and the refusal to show anything wider
than it was meant."""

from landbridge.policy.rules import AudienceException, PolicyConfig, refusal
from landbridge.policy.spaces import SOON, PrivateSpace, is_private

__all__ = ["SOON", "AudienceException", "PolicyConfig", "PrivateSpace", "is_private", "refusal"]
