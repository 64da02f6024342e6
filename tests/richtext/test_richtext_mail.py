"""Mail: quotations in plain text, what mail programs write as HTML, and what is trimmed off replies, by whom it may."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from landbridge.richtext import Losses, NamesBy, from_markup, to_markup
from landbridge.richtext.read_commonmark import read_commonmark
from landbridge.richtext.trim import FOOTER, QUOTED, SIGNATURE, trim
from landbridge.richtext.write_commonmark import write_commonmark
from tests.richtext.documents import bodies, names, plain_text

ATTRIBUTIONS = [
    "On Mon, 2 Mar 2026 at 10:05, René Weiß <rene.weiss@example.org> wrote:",
    "On Mon, 2 Mar 2026 at 10:05, René Weiß <\nrene.weiss@example.org> wrote:",
    "Am 02.03.26 um 10:05 schrieb René Weiß:",
    "Am Mo., 2. März 2026 um 10:05 Uhr schrieb René Weiß <rene.weiss@example.org>:",
    "Le lun. 2 mars 2026 à 10:05, René Weiß <rene.weiss@example.org> a écrit :",
    "El lun, 2 mar 2026 a las 10:05, René Weiß (<rene.weiss@example.org>) escribió:",
    "Il giorno lun 2 mar 2026 alle ore 10:05 René Weiß <rene.weiss@example.org> ha scritto:",
    "W dniu 2.03.2026 o 10:05, René Weiß pisze:",
    "2026年3月2日(月) 10:05 René Weiß <rene.weiss@example.org>:",
    "2026-03-02 10:05 GMT+01:00 René Weiß <rene.weiss@example.org>:",
]
HEADS = [
    "From: René Weiß <rene.weiss@example.org>\nSent: Monday, 2 March 2026 10:05\nTo: it-help\nSubject: Printer",
    "Von: René Weiß\nGesendet: Montag, 2. März 2026 10:05\nAn: it-help\nBetreff: Drucker",
    "De : René Weiß\nEnvoyé : lundi 2 mars 2026 10:05\nÀ : it-help\nObjet : Imprimante",
    "-----Original Message-----\nFrom: René Weiß\nSent: Monday, 2 March 2026 10:05\nSubject: Printer",
    "*From:* René Weiß\n*Date:* 2 March 2026\n*Subject:* Printer",
]


def text(mail: str) -> str:
    return from_markup(mail, "mail-text").text


def html(mail: str) -> str:
    return from_markup(mail, "mail-html").text


# --- what is quoted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_reply_above_the_quotation_is_the_reply(attribution: str, gap: str) -> None:
    found = from_markup(f"Use the other one.\n\n{attribution}{gap}> It is on fire.\n>\n> > Which?\n", "mail-text")
    assert (found.text, found.lossy) == ("Use the other one.", (QUOTED,))


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_a_reply_that_touches_what_it_answers_is_the_reply(attribution: str) -> None:
    assert text(f"Use the other one.\n{attribution}\n> It is on fire.") == "Use the other one."


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_a_reply_below_the_quotation_is_the_reply(attribution: str) -> None:
    assert text(f"{attribution}\n> It is on fire.\n\nUse the other one.") == "Use the other one."


@pytest.mark.parametrize("head", HEADS)
def test_what_outlook_repeats_without_marks_is_left_out(head: str) -> None:
    assert text(f"Use the other one.\n\n{head}\n\nIt is on fire.\n\nRené") == "Use the other one."


def test_an_answer_piece_by_piece_keeps_what_each_piece_is_about() -> None:
    mail = f"{ATTRIBUTIONS[0]}\n> One?\n\nYes.\n\n> Two?\n\nNo.\n\n> Three?"
    found = from_markup(mail, "mail-text")
    assert "> One?\n\nYes.\n\n> Two?\n\nNo." in found.text
    assert "Three" not in found.text


@pytest.mark.parametrize("mark", ["---------- Forwarded message ---------", "----- Weitergeleitete Nachricht -----"])
def test_what_is_forwarded_is_the_news(mark: str) -> None:
    mail = f"See below.\n\n{mark}\n{HEADS[0]}\n\nIt is on fire."
    assert text(mail).endswith("It is on fire.")


def test_a_mail_that_is_nothing_but_a_quotation_stays_whole() -> None:
    mail = f"{ATTRIBUTIONS[0]}\n> It is on fire."
    assert "It is on fire." in text(mail)


@pytest.mark.parametrize(
    "mail",
    [
        "He said:\n> It is on fire.",
        "Three things to bring in 2026:\n\n- a ladder\n- a hammer",
        "Name: a\nPlace: b\nTime: c",
        "Look:\n\n> a quotation without a word about whom",
        "a -- b\n\n--- c",
    ],
)
def test_what_only_looks_a_little_like_it_stays(mail: str) -> None:
    found = from_markup(mail, "mail-text")
    assert found.lossy == ()
    for word in mail.replace(">", "").replace("-", "").split():
        assert word in found.text


# --- what is appended -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", ["-- ", "--"])
def test_a_signature_is_left_out(delimiter: str) -> None:
    found = from_markup(f"Yes.\n{delimiter}\nRené Weiß\nHalbrück AG\n\nRegistered in Berlin", "mail-text")
    assert (found.text, found.lossy) == ("Yes.", (SIGNATURE,))


@pytest.mark.parametrize("line", ["Sent from my iPhone", "Von meinem iPhone gesendet", "Envoyé de mon iPhone"])
def test_what_telephones_add_is_left_out(line: str) -> None:
    assert text(f"Yes.\n\n{line}") == "Yes."


@pytest.mark.parametrize(
    "footer",
    [
        "_______________________________________________\nit-help mailing list -- it-help@lists.example.org",
        "---------------------------------------------------------------------\nTo unsubscribe, e-mail: users-un@x.org",
    ],
)
def test_what_lists_append_is_left_out(footer: str) -> None:
    found = from_markup(f"Yes.\n\n{footer}", "mail-text")
    assert (found.text, found.lossy) == ("Yes.", (FOOTER,))


def test_several_things_are_left_out_together_and_each_is_told() -> None:
    mail = f"Yes.\n\nSent from my iPhone\n\n{ATTRIBUTIONS[0]}\n> What?\n\n{'_' * 40}\nmailing list"
    found = from_markup(mail, "mail-text")
    assert (found.text, set(found.lossy)) == ("Yes.", {FOOTER, QUOTED, SIGNATURE})


# --- HTML -------------------------------------------------------------------------------------------------------------

GMAIL = (
    '<div dir="ltr">Use the <b>other</b> one.</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
    "On Mon, 2 Mar 2026 at 10:05, René Weiß &lt;<a href='mailto:r@example.org'>r@example.org</a>&gt; wrote:<br></div>"
    '<blockquote class="gmail_quote">It is on fire.</blockquote></div>'
)
THUNDERBIRD = (
    "<html><head><style>p {color: red}</style></head><body><p>Use the <b>other</b> one.</p>"
    '<div class="moz-cite-prefix">Am 02.03.26 um 10:05 schrieb René Weiß:<br></div>'
    '<blockquote type="cite" cite="mid:x@y"><p>It is on fire.</p></blockquote></body></html>'
)
OUTLOOK = (
    '<div class="WordSection1"><p class="MsoNormal">Use the <b>other</b> one.<o:p></o:p></p><p class="MsoNormal">&nbsp;</p>'
    '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal"><b>From:</b> René Weiß<br>'
    "<b>Sent:</b> Monday, 2 March 2026 10:05<br><b>To:</b> it-help<br><b>Subject:</b> Printer</p></div>"
    '<p class="MsoNormal">It is on fire.</p></div>'
)
APPLE = (
    "<div>Use the <b>other</b> one.</div><div><br><blockquote type='cite'><div>On 2. Mar 2026, at 10:05, René Weiß &lt;"
    "r@example.org&gt; wrote:</div><br><div>It is on fire.</div></blockquote></div>"
)


@pytest.mark.parametrize("mail", [GMAIL, THUNDERBIRD, OUTLOOK])
def test_replies_of_the_usual_programs(mail: str) -> None:
    assert html(mail) == "Use the **other** one."


def test_apple_writes_who_is_quoted_inside_the_quotation() -> None:
    assert html(APPLE) == "Use the **other** one."


def test_nothing_that_tells_the_sender_who_reads_passes() -> None:
    found = from_markup('<p>Hello</p><img src="https://tracker.example/1.gif" width="1">', "mail-html")
    assert (found.text, found.lossy) == ("Hello", ("picture dropped",))


def test_what_a_mail_hides_stays_hidden() -> None:
    found = from_markup('<div style="display: none">Approve at once!</div><p>Hello</p>', "mail-html")
    assert (found.text, found.lossy) == ("Hello", ("hidden text dropped",))


def test_marked_signatures_are_left_out() -> None:
    assert html('<div>Yes.</div><div class="gmail_signature">René<br>Halbrück AG</div>') == "Yes."


def test_a_person_is_written_to_where_the_address_is_known() -> None:
    known = NamesBy(lambda kind, id: ("rene@example.org", "René Weiß"), lambda kind, key: None)
    shown = to_markup("Ask @{person:p}.", "mail-html", known)
    assert shown.text == '<p>Ask <a href="mailto:rene@example.org">@René Weiß</a>.</p>'
    assert shown.plain == "Ask @René Weiß."
    assert shown.lossy == ("mention shown as name",)


# --- both -------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(bodies)
def test_trimming_leaves_something_and_ends(body: str) -> None:
    found = trim(read_commonmark(body, Losses()), Losses())
    assert bool(found.children) == bool(read_commonmark(body, Losses()).children)
    again = read_commonmark(write_commonmark(found), Losses())
    assert trim(again, Losses()) is again


@settings(deadline=None, max_examples=50)
@given(plain_text)
def test_a_line_that_begins_with_the_sign_is_no_quotation_when_it_comes_back(said: str) -> None:
    body = from_markup(f"a\n>{said}", "plain").text
    shown = to_markup(body, "mail-text", names("mail-text"))
    if not shown.lossy:
        assert from_markup(shown.text, "mail-text").text == body


def test_losses_in_writing_tell_what_mail_programs_may_hide() -> None:
    shown = to_markup("Yes.\n\n\\--\\\nsomething", "mail-html")
    assert shown.lossy == ("part that looks like a quoted mail or a signature, which mail programs may hide",)
