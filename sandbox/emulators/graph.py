"""Microsoft Graph as one emulator: `landbridge sandbox up graph`."""

from __future__ import annotations

from typing import ClassVar

from sandbox.company import Company
from sandbox.emulators.base import Reply, Request, route
from sandbox.emulators.graph_directory import made_id
from sandbox.emulators.graph_engage import Engage
from sandbox.emulators.graph_parts import error, selected
from sandbox.emulators.graph_sign_in import CLIENT, TENANT
from sandbox.emulators.system import EmulatedSystem
from sandbox.system import Connections


class Graph(Engage):
    """One tenant."""

    name: ClassVar[str] = "graph"

    @route("GET", "/v1.0/organization")
    def organization(self, request: Request) -> Reply:
        domains = [{"name": TENANT, "isDefault": True, "isInitial": False, "type": "Managed", "capabilities": "Email"}]
        return Reply({"value": [{"id": TENANT, "displayName": "Halbrück & Söhne", "verifiedDomains": domains}]})

    @route("GET", "/v1.0/me")
    def me(self, request: Request) -> Reply:
        person = self.person_of(request)
        if person is None:
            raise error(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
        return Reply(selected(self.users[person], request))


class Served(Graph):
    """With an account of Landbridge's own, which has signed in."""

    def seed(self, company: Company) -> None:
        super().seed(company)
        name = f"landbridge@{TENANT}"
        bot = self.add_user(made_id(name), displayName="Landbridge", userPrincipalName=name, accountEnabled=True)
        self.refresh_tokens[signed_in(self.token)] = bot["id"]


def signed_in(secret: str) -> str:
    """The refresh token of that account."""
    return f"{secret}.person"


class GraphSystem(EmulatedSystem):
    """All connectors of Microsoft 365 speak to the same emulator."""

    name: ClassVar[str] = "graph"
    emulator: ClassVar[str] = "sandbox.emulators.graph:Served"

    def connections(self) -> Connections:
        person = {"refresh_token": signed_in(self.secret("token"))}
        told = {
            "entra": {"domain": TENANT},
            "teams": person,
            "sharepoint": {},
            "viva_engage": {**person, "engage": self.url},
        }
        return {
            name: {
                "conn_type": f"landbridge_{name}", "host": self.url, "login": CLIENT,
                "password": self.secret("token"), "extra": {"tenant": TENANT, "authority": self.url, **extra},
            }
            for name, extra in told.items()
        }  # fmt: skip
