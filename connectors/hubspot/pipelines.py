"""Pipelines and their stages: HubSpot keeps ids, people know names."""

from __future__ import annotations

from functools import cached_property

from connectors.hubspot.objects import CrmObject
from landbridge.connector import Native
from landbridge.errors import ConfigError, RecordError
from landbridge.http import Client


class Pipelines:
    """Those of one object, asked for once; `wanted` are the ids of those that are read, of any object."""

    def __init__(self, client: Client, kind: CrmObject, wanted: list[str]) -> None:
        self._client, self._kind, self._wanted = client, kind, set(wanted)

    def holds(self, native: Native) -> bool:
        """Does a wanted pipeline hold it? Where none of this object's is wanted, all are."""
        wanted = self._wanted & self.ids
        return not wanted or native[self._kind.pipeline] in wanted

    @property
    def ids(self) -> set[str]:
        return set(self._stages)

    def label(self, native: Native) -> str | None:
        """The stage's name; its id where it is of no pipeline that there is."""
        stage = native[self._kind.stage]
        return self._stages.get(str(native[self._kind.pipeline]), {}).get(str(stage), stage)

    def placed(self, native: Native, pipeline: str | None = None) -> Native:
        """The native with the id of the stage that it names; without `pipeline` it is a new one, which needs both."""
        if "stage" not in native and pipeline:
            return native
        wanted = [id for id in self._stages if id in self._wanted]
        place = pipeline or next(iter([*wanted, *self._stages]), None)
        if place is None:
            raise ConfigError(
                f"HubSpot has no pipeline for {self._kind.name}.", remedy="Check the connection's pipelines."
            )
        stages, label = self._stages.get(place, {}), native.get("stage")
        found = next(
            (id for id, name in stages.items() if label in (name, id) or (label is None and not pipeline)), None
        )
        if found is None:
            raise RecordError(f"There is no such stage; those of the pipeline are {', '.join(stages.values())}.")
        rest = {name: value for name, value in native.items() if name != "stage"}
        return {**rest, self._kind.pipeline: place, self._kind.stage: found}

    @cached_property
    def _stages(self) -> dict[str, dict[str, str]]:
        """By pipeline, the names of its stages by their ids, in the order in which they are shown."""
        answer = self._client.get("crm/v3/pipelines/{object}", path_params={"object": self._kind.name})
        rows = sorted(answer.part("results", list), key=lambda row: int(row["displayOrder"]))
        return {
            str(row["id"]): {
                str(stage["id"]): str(stage["label"])
                for stage in sorted(row["stages"], key=lambda stage: int(stage["displayOrder"]))
            }
            for row in rows
        }
