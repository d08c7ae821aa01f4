"""The client, with libnbd (Debian: python3-libnbd) as the program under test."""

import errno
import gc
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time
import warnings

import nbd
import pytest

import tnull as client

BLOCK = 4096


@pytest.fixture
def disk(tnull):
    return tnull.create("disk", size=1, memory_backed=1)


@pytest.fixture
def handle(disk):
    handle = nbd.NBD()
    handle.connect_uri(disk.uri)
    yield handle


def test_a_flush_fails_where_it_is_told_to(disk, handle):
    rule = disk.faults.add(op="flush", nth=2, error="EIO")
    handle.flush()
    with pytest.raises(nbd.Error) as failed:
        handle.flush()
    assert failed.value.errnum == errno.EIO
    [listed] = disk.faults.list()
    assert (listed["id"], listed["matched"], listed["struck"]) == (rule["id"], 2, 1)
    [entry] = disk.faults.log()
    assert (entry["rule"], entry["op"], entry["detail"]) == (rule["id"], "flush", {"errno": "EIO"})
    assert disk.faults.log(after=1) == []


def test_the_log_says_whether_a_flush_was_sent(disk, handle):
    with pytest.raises(client.ControlError, match="the request log is off"):
        disk.log()
    disk.set(log=3)
    handle.pwrite(b"x" * 512, 512)
    handle.flush()
    write, flush = disk.log(op="write,flush")
    assert (write["sector"], write["bytes"], flush["op"], flush["status"]) == (1, 512, "flush", "ok")
    following = disk.follow_log(after=write["seq"])
    assert next(following)["op"] == "flush"
    for _ in range(4):
        handle.pread(512, 0)
    assert next(following)["op"] == "read"
    following.close()
    kept = disk.log()
    assert (len(kept), kept.dropped) == (3, 3)


def test_a_plan_is_loaded_shown_paused_replayed_and_cleared(disk, handle):
    disk.faults.load([{"id": "odd", "op": "write", "interval": 2, "error": "EIO"}], seed=7)
    disk.faults.add(before="odd", id="first", op="read", error="ENOSPC")
    plan = disk.faults.plan()
    assert (plan["seed"], [rule["id"] for rule in plan["rules"]]) == ("7", ["first", "odd"])
    disk.faults.pause()
    handle.pread(BLOCK, 0)
    disk.faults.resume()
    with pytest.raises(nbd.Error):
        handle.pread(BLOCK, 0)
    events = disk.faults.log()
    disk.faults.reset()
    assert disk.faults.replay(events) == 1
    disk.faults.remove("first")
    disk.faults.clear()
    assert disk.faults.list() == []


def test_what_hangs_is_let_go(disk, handle):
    disk.faults.add(id="held", op="write", hang="on")
    cookie = handle.aio_pwrite(bytearray(BLOCK), 0)
    while disk.faults.list()[0]["held"] == 0:
        handle.poll(10)
    assert disk.faults.release("held") == 1
    while not handle.aio_command_completed(cookie):
        handle.poll(-1)


def test_snapshots(disk, handle):
    handle.pwrite(b"a" * BLOCK, 0)
    disk.snapshot("clean")
    handle.pwrite(b"b" * BLOCK, BLOCK)
    assert disk.diff("disk@clean") == [{"first": 8, "sectors": 8}]
    assert disk.data()[BLOCK:][:1] == b"b"
    assert disk.data("clean")[BLOCK:][:1] == b"\0"
    disk.rollback("clean")
    assert bytes(handle.pread(BLOCK, BLOCK)) == bytes(BLOCK)
    assert [one["name"] for one in disk.snapshots()] == ["clean"]
    disk.destroy_snapshot("clean")
    with pytest.raises(ValueError):
        disk.snapshot("")


def test_content_goes_in_and_out(disk, tmp_path):
    disk.set_data(b"abc")
    assert disk.data() == b"abc" + bytes((1 << 20) - 3)
    whole = tmp_path / "image"
    whole.write_bytes(os.urandom(1 << 20))
    with open(whole, "rb") as file:
        disk.set_data(file)
    assert disk.data() == whole.read_bytes()


def test_attributes_are_set_all_or_none(disk):
    assert disk.set(badblocks="+8-15")["badblocks"] == "8 8\n"
    with pytest.raises(client.ControlError) as refused:
        disk.set(size=-1)
    assert (refused.value.errno, refused.value.attribute) == ("EINVAL", "size")
    disk.power(False)
    disk.set(zoned=1, zone_size=1, power=1)
    assert [zone["start"] for zone in disk.zones()] == [0]
    assert disk.zones(start=0, count=1)[0]["condition"] == "empty"
    assert disk.attributes()["zoned"] == 1


def test_zones_are_opened_written_finished_and_reset(tnull):
    disk = tnull.create("zoned", size=4, zone_size=1, zoned=1, memory_backed=1)
    assert disk.append(2048, b"7" * 512) == 2048
    disk.zone("open", 0)
    disk.zone("finish", 4096, 4096)
    conditions = [zone["condition"] for zone in disk.zones()]
    assert conditions == ["explicit-open", "implicit-open", "full", "full"]
    disk.reset_zones()
    assert {zone["condition"] for zone in disk.zones()} == {"empty"}


def test_a_word_that_is_one_of_pythons(disk, handle):
    disk.faults.add(op="read", error="EIO", **{"from": "1h"})
    handle.pread(BLOCK, 0)
    assert disk.faults.list()[0]["words"]["from"] == "1h"


def test_what_the_client_for_javascript_has_is_here_too(tnull, disk):
    sources = pathlib.Path(__file__).parents[3] / "src/client"
    for source, here in [("control", tnull), ("device", disk), ("faults", disk.faults)]:
        text = (sources / (source + ".ts")).read_text()
        names = set(re.findall(r"^  (?:async |get |\*)*([a-z]\w*)\(", text, re.MULTILINE)) - {"constructor"}
        assert len(names) > 5
        assert [name for name in names if not hasattr(here, re.sub("([A-Z])", r"_\1", name).lower())] == []


def test_what_rules_do_is_followed(disk, handle):
    disk.faults.add(op="flush", error="EIO")
    log = disk.faults.follow_log()
    for seq in [1, 2]:
        with pytest.raises(nbd.Error):
            handle.flush()
        assert next(log)["seq"] == seq
    log.close()


def test_events_are_told(tnull, disk):
    events = tnull.events(device="disk", after=0)
    while next(events)["type"] != "created":
        pass
    events.close()


def test_metrics(tnull):
    assert "tnull_" in tnull.metrics()


def test_counters_and_power(disk, handle):
    handle.pread(BLOCK, 0)
    assert disk.stats()["operations"]["read"]["requests"] == 1
    assert len(disk.latencies()["read"]) == 1
    assert disk.requests() == []
    assert [client["from"] for client in disk.clients()] == ["unix"]
    disk.flush()
    assert disk.cut(keep="all", down="stay", seed=1)["power"] == 0
    disk.remove(force=True)


def test_a_journal_is_kept_and_marked(tnull):
    disk = tnull.create("marked", size=1, memory_backed=1, journal=1)
    disk.mark("committed 1")
    assert b"committed 1" in disk.journal()


@pytest.mark.parametrize("name", ["disk", "a b", "ä?&#%"])
def test_the_uri_leads_to_the_device(tnull, name):
    disk = tnull.create(name, size=1)
    handle = nbd.NBD()
    handle.connect_uri(disk.uri)
    assert handle.get_size() == 1 << 20
    handle.shutdown()
    assert disk.env["uri"] == disk.uri and os.path.exists(disk.env["unixsocket"])


def test_devices_of_the_test_before_are_gone(tnull):
    assert tnull.devices() == []


def test_a_daemon_that_runs_already_is_asked(tnull, disk):
    there = client.connect(tnull.control)
    assert [one.uri for one in there.devices()] == [disk.uri]
    there.reset()
    assert there.devices() == []


def test_a_start_that_fails_says_why():
    with pytest.raises(client.StartError) as failed:
        client.Server(args=["--sise=3"])
    assert failed.value.stderr == ["tnull: unknown flag '--sise'; the nearest known is '--size'"]
    with pytest.raises(client.StartError):
        client.Server(program="/nowhere/tnull")
    with pytest.raises(client.StartError, match="did not start"):
        client.Server(program="echo")  # another program
    with pytest.raises(client.StartError, match="without a control socket"):
        client.Server(args=["--no-control"])


def test_the_command_in_the_environment_is_read_as_a_shell_does(monkeypatch):
    monkeypatch.setenv("TNULL", "'tnull")
    with pytest.raises(client.StartError, match="TNULL='tnull: No closing quotation"):
        client.Server()
    monkeypatch.setenv("TNULL", " ")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(client.StartError, match="not on the PATH"):
        client.Server()


def test_a_start_that_fails_leaves_nothing_open():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(client.StartError):
            client.Server(args=["--sise=3"])
        gc.collect()
    assert [str(one.message) for one in said] == []


def test_nothing_is_left_of_a_server():
    with client.Server(listen="nbd://127.0.0.1:0", threads=2, fault_seed="x") as server:
        disk = server.create("disk", size=1)
        assert int(disk.env["port"]) > 0 and disk.env["unixsocket"] == ""
        assert server.call("GET", "/v1/devices/disk/faults")["seed"] == "x"
    assert (server.stop(), server.stop()) == (0, 0)
    assert not os.path.exists(os.path.dirname(server.control))


@pytest.fixture(params=["itself", "behind a shell"])
def program(request, tmp_path):
    """npx, too, runs it in a shell, and hands down the standard streams alone."""
    if request.param == "itself":
        return None
    script = tmp_path / "tnull"
    given = " ".join(shlex.quote(word) for word in client._program())
    script.write_text("#!/bin/bash\nfor n in {3..63}; do eval \"exec $n>&-\"; done\n%s \"$@\"\nexit $?\n" % given)
    script.chmod(0o755)
    return str(script)


def test_a_server_behind_a_shell_starts_and_stops(program):
    with client.Server(program=program) as server:
        assert server.create("disk", size=1).attributes()["size"] == 1
    assert not os.path.exists(os.path.dirname(server.control))
    # The shell may end before it has seen that the daemon has.
    while os.path.exists("/proc/%d" % server.pid):
        time.sleep(0.01)


def test_a_process_that_is_killed_takes_its_server_with_it(program):
    code = "import tnull, time; server = tnull.Server(program=%r); print(server.pid, flush=True); time.sleep(1000)"
    # Whoever waits for that process may be above it.
    env = {**os.environ, "TNULL_PARENT": str(os.getpid())}
    other = subprocess.Popen([sys.executable, "-c", code % program], stdout=subprocess.PIPE, env=env)
    pid = int(other.stdout.readline())
    other.send_signal(signal.SIGKILL)
    other.wait()
    other.stdout.close()
    while os.path.exists("/proc/%d" % pid):
        time.sleep(0.01)
