"""The sign-in before the Graph emulator: secrets, certificates and persons, and who may call how often."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

import jwt
from cryptography.x509 import load_pem_x509_certificate

from sandbox.emulators.base import Limits, Reply, Request, route
from sandbox.emulators.graph_directory import Directory
from sandbox.emulators.graph_parts import error

TENANT, CLIENT = "halbrueck.example", "6731de76-14a6-49ae-97bc-6eba6914391e"
ASSERTED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SIGN_IN = "/{tenant}/oauth2/v2.0"


class SignIn(Directory):
    """`token` is the application's secret; `certificate` (PEM) may stand for it; `refresh_tokens`: token → person."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.certificate = ""
        # Id of the account that signs in wherever a code is shown.
        self.at_the_browser = ""
        self.refresh_tokens: dict[str, str] = {}
        self.access: dict[str, str] = {}
        self.rights_taken: set[str] = set()
        self.limits, self.calls_per_second, self.tells_wait = Limits(), 200, True

    def admit(self, request: Request) -> Reply | None:
        if not request.path.startswith("/v1.0/"):
            return None
        if request.token not in self.access:
            raise error(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.")
        if any(request.path.startswith(f"/v1.0/{place}") for place in self.rights_taken):
            raise error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        if self.limits.wait("all", self.calls_per_second, 1.0):
            wait = {"Retry-After": "1"} if self.tells_wait else {}
            raise error(429, "TooManyRequests", "Too many requests, please wait.", wait)
        return None

    def unknown(self, request: Request) -> Reply:
        return error(400, "BadRequest", "Resource not found for the segment.").reply

    def person_of(self, request: Request) -> str | None:
        """Id of the account that the caller signed in as; None where the application did for itself."""
        return self.access[request.token] or None

    def revoke(self) -> None:
        """No access token is good any more."""
        self.access.clear()

    @route("GET", "/{tenant}/v2.0/.well-known/openid-configuration")
    def discover(self, request: Request) -> Reply:
        if request.values["tenant"] != TENANT:
            return Reply({"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."}, 400)
        base = f"{request.origin.replace('http://', 'https://', 1)}{SIGN_IN.format(tenant=TENANT)}"
        return Reply(
            {
                "issuer": f"{request.origin}/{TENANT}/v2.0",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "device_authorization_endpoint": f"{base}/devicecode",
            }
        )

    @route("POST", f"{SIGN_IN}/devicecode")
    def give_code(self, request: Request) -> Reply:
        if not self.at_the_browser:
            return Reply({"error": "unauthorized_client", "error_codes": [7000218]}, 400)
        self.refresh_tokens["device"] = self.at_the_browser
        said = f"Open {request.origin}/device and enter ABCD."
        told = {"device_code": "device", "user_code": "ABCD", "expires_in": 900, "interval": 0, "message": said}
        return Reply(told | {"verification_uri": f"{request.origin}/device"})

    @route("POST", f"{SIGN_IN}/token")
    def give_token(self, request: Request) -> Reply:
        form, person = request.form, ""
        if form.get("client_id") != CLIENT:
            return Reply({"error": "unauthorized_client", "error_codes": [700016]}, 400)
        if form.get("grant_type") == "client_credentials":
            if not self._proven(request):
                return Reply({"error": "invalid_client", "error_codes": [7000215]}, 401)
        elif (shown := form.get("refresh_token") or form.get("device_code", "")) in self.refresh_tokens:
            person = self.refresh_tokens[shown]
        else:
            return Reply({"error": "invalid_grant", "error_codes": [700082]}, 400)
        token = secrets.token_urlsafe(32)
        self.access[token] = person
        given: dict[str, Any] = {"token_type": "Bearer", "expires_in": 3599, "access_token": token}
        if person:
            # Unlike others, Entra goes on taking the old one.
            given["refresh_token"] = secrets.token_urlsafe(32)
            self.refresh_tokens[given["refresh_token"]] = person
            given |= self._who(person, f"{request.origin}/{TENANT}/v2.0")
        return Reply(given)

    def _who(self, person: str, issuer: str) -> dict[str, str]:
        told = {"uid": person, "utid": TENANT}
        claims = {
            "iss": issuer,
            "aud": CLIENT,
            "sub": person,
            "oid": person,
            "tid": TENANT,
            "exp": int(self.clock()) + 3600,
        }
        name = self.users[person]["userPrincipalName"]
        return {
            "client_info": base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("="),
            "id_token": jwt.encode({**claims, "preferred_username": name}, "signed by nobody in particular " * 2),
        }

    def _proven(self, request: Request) -> bool:
        form = request.form
        if form.get("client_assertion_type") != ASSERTED:
            return bool(form.get("client_secret") == self.token)
        key: Any = load_pem_x509_certificate(self.certificate.encode()).public_key()
        audience = f"{request.origin.replace('http://', 'https://', 1)}{request.path}"
        try:
            jwt.decode(form["client_assertion"], key, algorithms=["RS256", "PS256"], audience=audience, issuer=CLIENT)
        except jwt.InvalidTokenError:
            return False
        return True
