"""The workspace to look at: one page with what somebody sees, since an emulator has no client of its own."""

from __future__ import annotations

import re
from html import escape, unescape

from sandbox.emulators.base import Reply, Request, route
from sandbox.emulators.slack_web import Web
from sandbox.emulators.slack_workspace import BOT_USER, Json

MENTION = re.compile(r"<@(\w+)>")
# Nothing runs there, whatever people have written.
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Slack, emulated</title>
<style>body{font:15px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}h2{border-bottom:1px solid #ccc}
p{margin:.3em 0}.answer{margin-left:2em}small{color:#666}</style>"""


class Page(Web):
    @route("GET", "/")
    def page(self, request: Request) -> Reply:
        """With `?token=` of somebody, what they see; the newest channel talk at the end, as in the client."""
        user = self.user_of(request.params.get("token", ""))
        if user is None:
            return Reply(b"This page needs ?token= of somebody in the workspace.", 401, {"Content-Type": "text/plain"})
        mine = [one for one in self.space.channels.values() if user in one["_members"]]
        name = escape(self.space.users[user]["real_name"])
        parts = [HEAD, f"<h1>Slack, emulated</h1><p>As {name} sees it; made anew every five seconds.</p>"]
        return Reply("".join([*parts, *map(self._channel, mine)]).encode(), 200, HEADERS)

    def _channel(self, channel: Json) -> str:
        closed = " 🔒" if channel["is_private"] else ""
        said = self.space.messages[channel["id"]]
        roots = [one for one in said if one.get("thread_ts", one["ts"]) == one["ts"]]
        lines = [self._line(one) for root in roots for one in self.space.thread(channel["id"], root["ts"])]
        return f"<h2>#{escape(channel['name'])}{closed}</h2>{''.join(lines)}"

    def _line(self, raw: Json) -> str:
        users = self.space.users
        text = MENTION.sub(lambda found: f"@{users[found[1]]['name']}" if found[1] in users else found[0], raw["text"])
        author = raw.get("username") or users.get(raw["user"], {}).get("real_name", raw["user"])
        more = [*(one["name"] for one in raw.get("files", ())), *(["edited"] if "edited" in raw else [])]
        more += [f":{one['name']}: {one['count']}" for one in raw.get("reactions", ())]
        more += ["by the app"] if raw["user"] == BOT_USER else []
        kind = "said" if raw.get("thread_ts", raw["ts"]) == raw["ts"] else "answer"
        shown = escape(unescape(text)).replace("\n", "<br>")
        return f'<p class="{kind}"><b>{escape(author)}</b> {shown} <small>{escape(" · ".join(more))}</small></p>'
