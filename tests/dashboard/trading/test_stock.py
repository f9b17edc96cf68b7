"""The pages of stock: what there is, what can be promised, and why."""

import re

from dashboard_server import Browser  # type: ignore[import-not-found,unused-ignore]


def test_items_are_found_by_number_and_by_words(ann: Browser) -> None:
    every = ann.get("/stock").text
    assert all(f"NW-100{n}" in every for n in (1, 2, 3, 4))
    narrowed = ann.get("/stock?q=NW-1004").text
    assert "Ground coffee" in narrowed and "NW-1001" not in narrowed
    assert "NW-1003" in ann.get("/stock?q=chamomile tea").text
    assert "Nothing found for zzz" in ann.get("/stock?q=zzz").text


def test_the_causes_of_a_figure_add_up_to_it(ann: Browser) -> None:
    for path in ("/stock/NW-1004", "/stock/NW-1004?site=RENO", "/stock/NW-1001?site=COLUMBUS"):
        html = ann.get(path).text
        table = html[html.index('id="why"') :]
        parts = re.findall(
            r"</th><td class=\"num\"><span class=\"signed[^>]*>([^<]+)</span></td></tr>", table.split("</table>")[0]
        )
        figure = re.search(r"<h2>Why ([\d,]+) today\?</h2>", html)
        assert figure is not None and parts
        assert sum(float(each.replace(",", "")) for each in parts) == float(figure[1].replace(",", "")), path


def test_a_quantity_is_promised_for_the_day_when_it_is_there(ann: Browser) -> None:
    html = ann.get("/stock/NW-1004?qty=400").text
    answer = re.search(r'role="status" class="answer">\s*400 EA: <strong>(\d{4}-\d\d-\d\d)</strong>', html)
    assert answer is not None
    assert answer[1] in html.split("What can be promised, by day")[1]
    assert "not within the horizon" in ann.get("/stock/NW-1004?qty=100000").text


def test_variances_and_reservations_stand_beside_it(ann: Browser) -> None:
    html = ann.get("/stock/NW-1001").text
    assert "number 1204 of stream 947 has not come" in html
    assert 'href="/orders/SO-20150"' in html


def test_an_item_that_nobody_knows_is_not_found(ann: Browser) -> None:
    assert ann.get("/stock/NONE-SUCH").status_code == 404
    assert ann.get("/stock/%3Cscript%3E").status_code == 404


def test_a_page_goes_on_where_the_one_before_ended(ann: Browser) -> None:
    assert ann.get("/stock?cursor=nonsense").status_code == 400


def test_a_partner_is_refused(partner: Browser) -> None:
    """Its own orders are not all that stands behind a figure."""
    for path in ("/stock", "/stock/NW-1001", "/stock/NW-1001?site=RENO"):
        answer = partner.get(path)
        assert answer.status_code == 403, path
        assert "SO-2" not in answer.text


def test_odd_questions_show_a_page(ann: Browser) -> None:
    for query in (
        "day=x",
        "day=1900-01-01",
        "day=9999-12-31",
        "qty=NaN",
        "qty=-3",
        "qty=1e400",
        "site=NOWHERE",
        "qty=%00",
    ):
        assert ann.get(f"/stock/NW-1001?{query}").status_code == 200, query
