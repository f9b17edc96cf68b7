"""Starting and stopping: every counterparty comes up, stops cleanly, and none outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest
from hub_by_hand import until

from crossdock.testing import Erp, ErpFaults, NotReady, Retailer, Tax, Warehouse, Window, start
from crossdock.testing.configs import decode, encode


def everybody(folder: Path):
    return [
        Retailer(name="acme", mailbox=folder / "acme", tally=folder / "acme.json", orders=1),
        Warehouse(name="3pl", mailbox=folder / "3pl", tally=folder / "3pl.json"),
        Erp(name="erp", tally=folder / "erp.json"),
        Tax(name="tax", tally=folder / "tax.json"),
    ]


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_all_four_come_up_and_nothing_is_left_after_the_stop(tmp_path):
    with start(everybody(tmp_path)) as running:
        assert set(running.ports) == {"erp", "tax"}
        assert running.dead() == {}
        pids = list(running.pids.values())
        assert not any(gone(pid) for pid in pids)
        assert httpx.get(running.url("erp")).status_code == 404
    assert all(gone(pid) for pid in pids)
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url("erp"))
    assert set(running.tally()) == {"acme", "3pl", "erp", "tax"}
    running.stop()


def test_each_stops_cleanly_when_asked_to(tmp_path):
    with start(everybody(tmp_path)) as running:
        for process in running._processes:
            process.popen.send_signal(signal.SIGTERM)
            assert process.popen.wait(20) == 0, process.complaint()


def test_nothing_outlives_a_parent_that_is_killed(tmp_path):
    script = f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_running import everybody
        from crossdock.testing import start
        running = start(everybody(Path({str(tmp_path)!r})))
        print(*running.pids.values(), flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 4 and not any(gone(pid) for pid in pids)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: all(gone(pid) for pid in pids))


def test_who_does_not_come_up_is_named_with_its_complaint_and_the_others_are_stopped(tmp_path):
    impossible = ErpFaults(hard_outages=(Window(start=1, end=2, measure="calls"),))
    with pytest.raises(NotReady, match=r"(?s)erp did not come up.*hard outage goes by seconds"):
        start([*everybody(tmp_path)[:2], Erp(name="erp", tally=tmp_path / "erp.json", faults=impossible)])


def test_a_given_port_is_used_and_two_of_one_name_are_refused(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with start([Tax(name="tax", tally=tmp_path / "tax.json", port=port)]) as running:
        assert running.ports == {"tax": port}
    with pytest.raises(ValueError, match="same name"):
        start([Tax(name="tax", tally=tmp_path / "a"), Tax(name="tax", tally=tmp_path / "b")])


def test_a_declaration_survives_its_json(tmp_path):
    for config in everybody(tmp_path):
        assert decode(encode(config)) == config


def test_the_wrong_declaration_is_refused(tmp_path):
    (tmp_path / "tax.json").write_bytes(encode(Tax(name="tax", tally=tmp_path / "t.json")))
    command = [sys.executable, "-m", "crossdock.testing.simulators.erp", "--config", str(tmp_path / "tax.json")]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "declares a tax" in refused.stderr


def test_the_counterparties_know_nothing_of_the_hub_but_its_codec():
    script = """
        import sys
        from crossdock.testing.simulators import erp, retailer, tax, warehouse
        print(*{name.split(".")[1] for name in sys.modules if name.startswith("crossdock.")})
    """
    known = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    ).stdout
    # The codec's findings and documents rest on the nouns of trade.
    assert set(known.split()) <= {"testing", "edi", "trade"}
