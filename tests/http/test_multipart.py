"""A file in a form is sent as it is read, and can be sent again."""

from __future__ import annotations

import io
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP

import pytest

from landbridge.errors import TransientError
from landbridge.http import Client, LocalThrottle, Multipart
from sandbox.emulators.base import Emulator, Reply, Request, route, serving


class Desk(Emulator):
    name = "desk"

    def admit(self, request: Request) -> Reply | None:
        return None

    @route("POST", "/files")
    def keep(self, request: Request) -> Reply:
        return Reply({"kept": len(request.body)})


def parts(request: Request) -> list[Message]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    return list(message_from_bytes(head + request.body, policy=HTTP).iter_parts())  # type: ignore[attr-defined]


def test_a_file_and_its_fields_arrive_also_the_second_time() -> None:
    desk, content = Desk(), bytes(range(256)) * 2000
    desk.script("/files", Reply({}, 503))
    with serving(desk) as url, Client(url, throttle=LocalThrottle(sleep=lambda _: None)) as client:
        form = Multipart(io.BytesIO(content), len(content), 'a "plan"\r\n.pdf', "application/pdf", {"kind": "composer"})
        answer = client.post("files", data=form, headers={"Content-Type": form.content_type}, safe=True)
        assert answer.part("kept", int) == len(form)
    assert [int(one.headers["Content-Length"]) for one in desk.seen] == [len(form)] * 2
    for request in desk.seen:
        field, file = parts(request)
        assert (field.get_param("name", header="Content-Disposition"), field.get_payload()) == ("kind", "composer")
        assert (file.get_filename(), file.get_content_type()) == ("a %22plan%22%0D%0A.pdf", "application/pdf")
        assert file.get_payload(decode=True) == content


def test_a_file_that_is_shorter_than_said_is_not_sent_as_whole() -> None:
    with serving(Desk()) as url, Client(url, throttle=LocalThrottle(sleep=lambda _: None)) as client:
        form = Multipart(io.BytesIO(b"plan"), 400, "plan.txt", None, {})
        with pytest.raises(TransientError):
            client.post("files", data=form, headers={"Content-Type": form.content_type})
