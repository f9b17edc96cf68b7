"""Who sent it: by qualifier and id, and by the group's sender where several share one mailbox."""

import msgspec

from crossdock.crosswalk.directory import Directory, Identity, Partner
from crossdock.crosswalk.partners import Partners, inverse


def test_a_sender_is_known_by_qualifier_and_id(crosswalk):
    partner = crosswalk.partners.find("ZZ", "ACMERETAIL     ", "ZZ", "NORTHWHOLESALE ", "ACMERETAIL")
    assert partner is not None
    assert partner.id == "acme"
    assert crosswalk.partners.find("01", "ACMERETAIL", "ZZ", "NORTHWHOLESALE", "ACMERETAIL") is None


def test_a_message_to_somebody_else_has_no_partner(crosswalk):
    assert crosswalk.partners.find("ZZ", "ACMERETAIL", "ZZ", "SOMEBODYELSE", "ACMERETAIL") is None
    assert crosswalk.partners.knows("ZZ", "ACMERETAIL")


def test_two_divisions_behind_one_mailbox_are_told_apart_by_the_group():
    van = [
        Partner(id="east", role="customer", them=(Identity("ZZ", "VAN", "EAST"),)),
        Partner(id="west", role="customer", them=(Identity("ZZ", "VAN", "WEST"),)),
    ]
    partners = Partners(Directory(version=1, partners={p.id: p for p in van}))
    east = partners.find("ZZ", "VAN", "ZZ", "US", "EAST")
    assert east is not None
    assert east.id == "east"
    assert partners.find("ZZ", "VAN", "ZZ", "US", "NORTH") is None
    assert partners.find("ZZ", "VAN", "ZZ", "US") is None


def test_a_group_of_any_name_belongs_to_a_partner_that_names_none(crosswalk):
    partner = crosswalk.partners.find("ZZ", "ACMERETAIL", "ZZ", "NORTHWHOLESALE", "ACME-DC-4")
    assert partner is not None
    assert partner.id == "acme"


def test_a_partner_without_our_identity_may_call_us_what_it_likes(directory):
    free = msgspec.structs.replace(directory.partners["acme"], us=None)
    partners = Partners(Directory(version=1, partners={"acme": free}))
    assert partners.find("ZZ", "ACMERETAIL", "12", "5551234", "X") is free


def test_of_two_codes_for_one_unit_the_first_is_written():
    assert inverse({"CT": "CA", "CS": "CA", "EA": "EA"}) == {"CA": "CT", "EA": "EA"}
