"""The page of versions and what differs between them."""

import os
import subprocess
import sys

from dashboard_server import Browser, Dashboard, api  # type: ignore[import-not-found,unused-ignore]


def apply(dashboard: Dashboard, who: str) -> None:
    environ = {
        **os.environ,
        **api.ENVIRON,
        "CROSSDOCK_DATABASE_URL": dashboard.database_url,
        "CROSSDOCK_WORKSPACE": str(dashboard.workspace),
    }
    done = subprocess.run(
        [sys.executable, "-m", "crossdock", "apply", "--who", who], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_version_is_told_with_who_applied_it_and_what_it_changed(traded: Dashboard, ann: Browser) -> None:
    only = ann.get("/configuration").text
    assert "Version 1" in only and "in force" in only and "Version 1, all of it" in only
    partner = traded.workspace / "partners" / "acme.toml"
    before = partner.read_text()
    partner.write_text(before.replace("price_tolerance_percent = 1", "price_tolerance_percent = 2.5"))
    apply(traded, "ben@north.example")
    html = ann.get("/configuration").text
    assert "ben@north.example" in html and "From version 1 to 2" in html
    assert "price_tolerance_percent" in html and "<del>1</del>" in html and "<ins>2.5</ins>" in html
    back = ann.get("/configuration?before=2&after=1").text
    assert "<del>2.5</del>" in back and "<ins>1</ins>" in back
    assert "No difference." in ann.get("/configuration?before=1&after=1").text


def test_a_version_that_never_was_is_not_found(ann: Browser) -> None:
    assert ann.get("/configuration?after=999").status_code == 404
    assert ann.get("/configuration?before=999").status_code == 404
    assert 400 <= ann.get("/configuration?after=x").status_code < 500
    assert 400 <= ann.get("/configuration?after=-1").status_code < 500
    assert 400 <= ann.get(f"/configuration?after={10**12}").status_code < 500


def test_a_partner_is_refused(partner: Browser) -> None:
    assert partner.get("/configuration").status_code == 403
