"""What systems call the fields of the canonical model, the usual names first, for drafts of mappings."""

from __future__ import annotations


def _names(text: str) -> dict[str, tuple[str, ...]]:
    lines = (line.split() for line in text.strip().splitlines())
    return {path.rstrip(":"): tuple(names) for path, *names in lines}


# Names in small letters without anything else; a final "id" is as good as none, and `author.id` counts as `author`.
SYNONYMS: dict[str, dict[str, tuple[str, ...]]] = {
    "person": _names("""
        user_name: username login userlogin loginname samaccountname uid userprincipalname handle screenname nickname
        name.given: givenname firstname given fname forename
        name.family: familyname lastname surname sn family lname
        display_name: displayname realname fullname name cn formatted
        name.formatted: formatted fullname realname
        emails: email emails mail emailaddress workemail primaryemail
        phones: phone phones telephonenumber phonenumber phonenumbers workphone businessphones mobile mobilephone
        title: title jobtitle position
        department: department dept team
        organization: organization organisation company employer
        cost_center: costcenter
        division: division
        employee_number: employeenumber employee personnelnumber staffnumber payrollnumber
        manager: manager supervisor reportsto
        locale: locale preferredlanguage language lang
        timezone: timezone tz
        skills: skills
        employment.type: employmenttype contracttype
        employment.starts: hiredate startdate datestarted joined
        employment.ends: terminationdate enddate leavedate dateleft
        active: active enabled isactive accountenabled
        external: external isguest guest isrestricted
    """),
    "group": _names("""
        name: name displayname cn title
        code: code key slug shortname mailnickname
        type: type grouptype
        description: description purpose
        parent: parent
    """),
    "space": _names("""
        name: name title displayname subject
        alias: alias canonicalalias slug handle
        topic: topic purpose description
        type: type
        visibility: visibility privacy joinrule
        archived: archived isarchived closed
        url: url weburl permalink link
    """),
    "document": _names("""
        title: title subject headline name
        body: body content text html markdown raw rendered
        summary: summary excerpt abstract
        language: language lang locale
        author: author createdby creator owner user
        space: space channel board site room
        path: path slug
        url: url weburl permalink link
        state: state status
        version_tag: versiontag etag rev revision version
        published_at: publishedat publishdate publishedon dategmt date createdat created
        category: category
        tags: tags labels keywords
    """),
    "case": _names("""
        number: number casenumber ticketnumber reference code
        subject: subject title name
        description: description
        customer: account customer company
        contact: contact
        owner: owner assignee
        team: team group
        status: status stage stagename state
        priority: priority
        opened_at: openedat createdat createddate datecreated created opened
        closed_at: closedat closeddate closedate resolutiondate closed
        url: url weburl permalink link
    """),
    "message": _names("""
        space: channel room space
        thread: thread threadts conversation topic post article
        reply_to: replyto inreplyto parent
        author: author sender user from createdby creator
        guest: authorname sendername username author sender from
        body: body text content message html raw
        sent_at: sentat createdat createddatetime created postedat timestamp ts date datetime dategmt changed
        edited_at: editedat updatedat lastediteddatetime lastmodifieddatetime updated modified
        url: url weburl permalink link
    """),
    "membership": _names("""
        person: user member person employee
        group: group room channel team space
        role: role roles
    """),
}
# Said by its opposite.
OPPOSITES: dict[str, tuple[str, ...]] = {
    "active": (
        "deleted",
        "disabled",
        "suspended",
        "deactivated",
        "locked",
        "blocked",
        "inactive",
        "isdeleted",
        "archived",
    ),
    "archived": ("active", "isactive", "enabled"),
}
# What a reference may lead to.
LEADS_TO: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("author", "manager", "person", "owner", "contact"), ("person",)),
    **dict.fromkeys(("department", "organization", "parent", "customer", "team"), ("group",)),
    "group": ("group", "space", "case"), "space": ("space",), "thread": ("document", "case", "message"),
    "reply_to": ("message",),
}  # fmt: skip
# Usual words for those of the model.
WORDS: dict[str, str] = {
    "publish": "published", "public": "public", "live": "published", "draft": "draft", "pending": "draft",
    "private": "members", "archive": "archived", "archived": "archived", "invite": "members", "open": "public",
    "closed": "members", "secret": "hidden", "hidden": "hidden",
}  # fmt: skip
# Decided by the system, or known too late to be written.
ONLY_IN = frozenset(
    {"url", "version_tag", "sent_at", "edited_at", "published_at", "opened_at", "closed_at", "guest", "author"}
)
MATCH: dict[str, tuple[str, ...]] = {
    "person": ("employee_number", "emails", "user_name"), "group": ("code",), "space": ("alias",), "case": ("number",),
}  # fmt: skip
