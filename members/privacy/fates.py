"""What becomes of the tables of this app and of those below it when a person is erased."""

import json
from urllib.parse import quote, quote_plus

from django.apps import apps
from django.db.models import Q
from psycopg2 import sql as pg

from members.models import Meeting, Merge, NotSame, Review, SetAside, VisitorEvent
from members.privacy.deciding import Person, containing, decide, eraser, free, keep, remove
from scrm.lib import sql
from scrm.staff.models import AuditEntry

SHORTEST = 2  # a name of one character stands in too many texts


def patterns(person: Person) -> list[str]:
    """What the person is recognised by in a text, for ILIKE."""
    known = [each for each in (*person.values, *person.hints, *person.names) if len(each) >= SHORTEST]
    written = [form for each in known for form in (each, json.dumps(each)[1:-1], quote(each), quote_plus(each))]
    return [containing(each) for each in dict.fromkeys(written)]


def wipe(label: str, *columns: str, drop: bool = False) -> None:
    """Texts of a model that mention the person are emptied (or their rows removed), whoever they belong to."""

    @eraser(label)
    def wiped(person: Person) -> int:
        return mentions(label, columns, person, drop=drop)


def mentions(label: str, columns: tuple[str, ...], person: Person, *, drop: bool = False) -> int:
    """The same at once; how many rows."""
    model = apps.get_model(label)
    fields = [model._meta.get_field(name) for name in columns]
    text = pg.SQL(" || ' ' || ").join(pg.SQL("coalesce({}::text, '')").format(pg.Identifier(field.column)) for field in fields)
    slots = {"table": pg.Identifier(model._meta.db_table), "text": text}
    if drop:
        return sql.execute("members/privacy/remove_mentions", {"patterns": patterns(person)}, **slots)
    empty = {"JSONField": lambda f: "'[]'" if f.default is list else "'{}'"}
    sets = [
        pg.SQL("{} = {}").format(
            pg.Identifier(field.column),
            pg.SQL("NULL" if field.null else empty.get(field.get_internal_type(), lambda f: "''")(field)),
        )
        for field in fields
    ]
    return sql.execute("members/privacy/blank_mentions", {"patterns": patterns(person)}, sets=pg.SQL(", ").join(sets), **slots)


# -- Who they are, and what they said --------------------------------------------------------------
decide("members.Identity", remove("who they are"))
decide("members.MemberTag", remove("an opinion of a person who is nobody any more"))
decide("members.TagChange", remove("opinions of a person who is nobody any more"))
decide("members.MergedTag", remove("the same, kept for undoing"))
decide("members.Consent", remove("nobody can be written to"))
decide("members.ConsentEntry", remove("the proof of erasure stands in its place"))
decide("members.MemberState", remove("computed; nobody is left to have a state"))
decide("members.MemberStanding", remove("computed; nobody is left to stand anywhere"))
decide("members.TouchedMember", remove("nothing is left to compute"))
decide("members.StateChange", keep("migrations between groups are totals; codes and days only"))
decide("members.Order", keep("what was sold stays sold", blank=("number",)))
decide("members.OrderLine", keep("what was sold stays sold"))
decide("members.Event", keep("how often things happen stays; what exactly is emptied", blank=("properties",)))
decide("members.AccessEntry", keep("who looked must stay answerable; where from and why may name the person", blank=("reason",)))
decide("members.GuardedUse", remove("says which shared telephone somebody used"))
decide("members.Member", keep("a number without a name: members/privacy/empty_members"))


# -- Rows about two people, or found by other keys -------------------------------------------------
@eraser("members.Merge")
def merges(person: Person) -> int:
    """The pairs stay, sealed against undoing; what proved them and what was chosen goes."""
    pairs = Merge.objects.filter(Q(winner_id__in=person.numbers) | Q(loser_id__in=person.numbers))
    SetAside.objects.filter(Q(merge__in=pairs) | Q(owner_id__in=person.numbers)).delete()
    return pairs.update(cause_hash=None, cause_hint="", folded={}, chosen={}, undone={}, sealed=Merge.Sealed.ERASED)


@eraser("members.Review")
def reviews(person: Person) -> int:
    found = Review.objects.filter(Q(one_id__in=person.numbers) | Q(two_id__in=person.numbers))
    return int(found.delete()[0])


@eraser("members.NotSame")
def apart(person: Person) -> int:
    found = NotSame.objects.filter(Q(first_id__in=person.numbers) | Q(second_id__in=person.numbers))
    return int(found.delete()[0])


@eraser("members.Meeting")
def meetings(person: Person) -> int:
    """Eight bytes of each fingerprint, as members.oneid counts them."""
    halves = [int.from_bytes(mark[:8], "big", signed=True) for _kind, mark in person.hashes]
    found = Meeting.objects.filter(Q(value__in=halves) | Q(other__in=halves), pool_id=person.pool_id)
    return int(found.delete()[0])


@eraser("members.VisitorEvent")
def visits(person: Person) -> int:
    marks = [mark for _kind, mark in person.hashes]
    return int(VisitorEvent.objects.filter(pool_id=person.pool_id, visitor_hash__in=marks).delete()[0])


@eraser("staff.AuditEntry")
def audits(person: Person) -> int:
    """Who did what stays; what it said of the person goes."""
    targets = [f"members.member:{number}" for number in person.numbers]
    done = AuditEntry.objects.filter(target__in=targets).exclude(data={}).update(data={})
    return done + mentions("staff.AuditEntry", ("data",), person)


@eraser("members.BulkAct")
def bulk(person: Person) -> int:
    return mentions("members.BulkAct", ("query", "params"), person)


wipe("staff.IdempotentCall", "body")
wipe("jobs.JobRun", "params", "result", "error", "watermark")
wipe("members.ImportReject", "row")
wipe("members.ImportSample", "said", "before")
wipe("members.ImportLeftover", "name", "detail")
wipe("members.ImportRun", "sample")
wipe("members.SavedView", "query", drop=True)
wipe("members.Rehearsal", "result")
wipe("members.Handover", "reason")
decide("members.MergedRows", free("fingerprints of keys; what was set aside is removed with its merge"))
decide("members.SetAside", free("removed with members.Merge"))
decide("members.BulkPiece", free("numbers of members and of what they were given; nothing to recognise anybody by"))
decide("members.MatchCount", free("counts, and numbers of members"))
decide("members.OwnerChange", keep("how work was shared out; who it was is gone", blank=("reason",)))
decide("members.Note", remove("what colleagues wrote of them"))
decide("members.CareTask", remove("what colleagues were to do for them"))
decide("members.HandoverShare", free("numbers of members, frozen for one piece of work"))
decide("members.CommunityEvent", keep("how lively a group was stays", blank=("nick", "invited_by")))
decide("members.CommunityMember", keep("how long people stay in groups", blank=("nick", "invited_by")))

# -- Tables that say nothing of members ------------------------------------------------------------
decide("members.Tombstone", free("keyed hashes that keep old files out: kept on purpose, when asked for"))
decide("members.Erasure", free("the proof itself: it names nobody"))
decide("members.ExportRequest", free("who asked for what; lists with the person are removed with their files"))
decide("members.Guard", free("shared telephones belong to nobody; what a person alone carried is their identity"))
for _label, _why in {
    "staff.User": "people who work here",
    "staff.ApiToken": "programs",
    "staff.SignInFailure": "names of people who work here, forgotten after a day",
    "members.Pool": "settings",
    "members.PoolAccess": "people who work here",
    "members.Channel": "a fixed list",
    "members.DataVersion": "counters",
    "members.Product": "what is sold",
    "members.Refund": "found by its order's hash; its number is the platform's",
    "members.Store": "shops",
    "members.StaffProfile": "people who work here",
    "members.SavedMapping": "headings of files",
    "members.ListSettings": "columns and tabs",
    "members.AttributeField": "definitions",
    "members.DailyFigure": "counts",
    "members.PoolTarget": "numbers",
    "members.TagGroup": "definitions",
    "members.Tag": "definitions",
    "members.TagRun": "counts",
    "members.TagMerge": "which tag became which",
    "members.Site": "our own pages",
    "members.Community": "groups, not people",
    "members.CommunityDay": "counts",
    "members.CommunityHealth": "counts",
    "members.CommunityAlert": "codes",
    "members.CommunityPolicy": "settings",
    "members.ConsentWording": "what everybody reads",
    "members.OwnershipRule": "settings",
    "sessions.Session": "who is signed in; no page keeps a member there",
    "auth.Permission": "the framework's own",
    "auth.Group": "the framework's own",
    "contenttypes.ContentType": "the framework's own",
}.items():
    decide(_label, free(_why))


# -- Tables that are there for one import ----------------------------------------------------------
@eraser("import tables")
def staged(person: Person) -> int:
    """Rows of staging tables and journals: by the number, by a keyed hash, by what a text says."""
    return sum(_staged(row, person) for row in sql.rows("members/privacy/list_import_tables"))


def _staged(row: dict[str, list[str] | str], person: Person) -> int:
    name = pg.Identifier
    tests = [pg.SQL("{} = ANY(%(ids)s::bigint[])").format(name(column)) for column in row["numbers"]]
    tests += [pg.SQL("{} = ANY(%(hashes)s::bytea[])").format(name(column)) for column in row["hashes"]]
    tests += [pg.SQL("{}::text ILIKE ANY(%(patterns)s::text[])").format(name(column)) for column in row["texts"]]
    if not tests:
        return 0
    given = {"ids": person.ids, "hashes": [mark for _kind, mark in person.hashes], "patterns": patterns(person)}
    statement = pg.SQL("DELETE FROM {} WHERE {}").format(name(str(row["name"])), pg.SQL(" OR ").join(tests))
    return sql.run(statement, given)
