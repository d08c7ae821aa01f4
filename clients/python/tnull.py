"""tnull in tests written in Python: a server of one's own, its devices and their faults.

    with tnull.Server() as server:
        disk = server.create("disk", size=64, memory_backed=1)
        disk.faults.add(op="flush", nth=3, error="EIO")
        run(disk.uri)

The server is a child process on a private unix socket; it ends with this process, however that ends. Names of
attributes are those of docs/parameters.md, words of rules those of docs/faults.md. Python >= 3.9, no dependencies.
"""

import http.client
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from urllib.parse import parse_qs, quote, urlencode, urlsplit

__version__ = "0.1.0"
__all__ = ["ControlError", "Device", "Faults", "RequestLog", "Server", "StartError", "connect"]

_LINES_MAX = 64
_END_SECONDS = 15


class StartError(Exception):
    """The server did not start. `stderr`: the last lines that it wrote."""

    def __init__(self, message, stderr=()):
        super().__init__("\n".join([message, *stderr]))
        self.stderr = list(stderr)


class ControlError(Exception):
    """The daemon refused a call. `errno` is its name ("EINVAL"), `attribute` what was wrong of many, or None."""

    def __init__(self, message, status, errno=None, attribute=None):
        super().__init__(message)
        self.status = status
        self.errno = errno
        self.attribute = attribute


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


class Control:
    """A daemon that runs, by its control socket."""

    def __init__(self, control, uris):
        self.control = control
        self.uris = list(uris)

    def call(self, method, path, query=None, body=None):
        """One call of docs/control.md. A dict is sent as JSON, str and bytes as they are.
        Returns what the answer is: of JSON its value, else bytes, or None where there is none.
        Raises ControlError, OSError."""
        with self._answer(method, path, query, body) as answer:
            data = answer.read()
        if not data:
            return None
        kind = answer.headers.get("content-type", "")
        return json.loads(data) if kind.startswith("application/json") else data

    def _answer(self, method, path, query, body):
        headers = {"Connection": "close"}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers["Content-Type"] = "application/json"
        elif body is not None:
            headers["Content-Type"] = "application/octet-stream"
        asked = {key: value for key, value in (query or {}).items() if value is not None}
        connection = _UnixConnection(self.control)
        try:
            connection.request(method, path + ("?" + urlencode(asked) if asked else ""), body, headers)
            answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        if answer.status >= 400:
            with answer:
                raise _refusal(answer.status, answer.read())
        return answer

    def create(self, name, **attributes):
        """Makes a device and powers it on, unless power=0. `image` is the path of a file, `clone` NAME or
        NAME@SNAPSHOT: what it begins as."""
        self.call("PUT", "/v1/devices/" + quote(name, ""), body={"power": 1, **attributes})
        return self.device(name)

    def device(self, name):
        """One that is there; nobody asks whether it is."""
        return Device(self, name)

    def devices(self):
        return [self.device(name) for name in self.call("GET", "/v1")["devices"]]

    def reset(self):
        """Every device is made anew as it was at start, those that came later are gone, and clients are ended."""
        self.call("POST", "/v1/reset")

    def events(self, device=None, after=None):
        """Yields what happens (docs/events.md), as it happens. device: only what happens to it. after: the number of an
        event: first those behind it that are kept; 0: all of them."""
        with self._answer("GET", "/v1/events", {"device": device, "after": after}, None) as answer:
            for line in answer:
                if line.startswith(b"data: "):
                    yield json.loads(line[len(b"data: ") :])

    def metrics(self):
        """As Prometheus reads them: a text."""
        return self.call("GET", "/metrics").decode()


def connect(control):
    """The daemon at this control socket. Raises OSError when there is none."""
    there = Control(control, [])
    there.uris = there.call("GET", "/v1")["listen"]
    return there


def _refusal(status, data):
    try:
        said = json.loads(data)
        return ControlError(said["message"], status, said["errno"], said.get("attribute"))
    except (KeyError, TypeError, ValueError):
        return ControlError("the daemon answered with status %d" % status, status)


class Server(Control):
    """A daemon of one's own without devices, as a child process. Stops at the end of a `with`.

    listen:     NBD URIs; by default a unix socket that nobody else can reach
    threads:    for the clients' sockets
    fault_seed: of what is drawn by rules
    args:       further arguments, as `tnull --help` lists them
    program:    the command; by default $TNULL, else tnull on the PATH

    Raises StartError with the last lines of its log."""

    def __init__(self, listen=(), threads=None, fault_seed=None, args=(), program=None):
        listen = [listen] if isinstance(listen, str) else list(listen)
        command = [
            *(_program() if program is None else [program]),
            *["serve", "--nr-devices=0", "--exit-with-parent", "--control=-", "--ready-json"],
            *(["--listen=" + one for one in listen] or ["--unix=-"]),
            *([] if threads is None else ["--threads=%s" % threads]),
            *([] if fault_seed is None else ["--fault-seed=%s" % fault_seed]),
            *args,
        ]
        self._stopped = None
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # There may be a shell or npx between, and we may be killed before it looks who started it.
                env={**os.environ, "TNULL_PARENT": str(os.getpid())},
                start_new_session=True,
            )
        except OSError as error:
            raise StartError("%s: %s" % (command[0], error.strerror)) from error
        self._lines = deque(maxlen=_LINES_MAX)
        self._keeps = threading.Thread(target=self._keep_lines, daemon=True)
        self._keeps.start()
        with self._process.stdout as ready:
            line = ready.readline()
        try:
            said = json.loads(line)
            super().__init__(said["control"], said["uris"])
        except (KeyError, TypeError, ValueError):
            # Whoever ends by itself has a status of its own.
            status = self.stop() if line else self._ended()
            raise StartError("tnull did not start (status %d)" % status, self._lines) from None
        if self.control is None:
            self.stop()
            raise StartError("args: a server without a control socket cannot be told anything")
        self.pid = said["pid"]
        self.version = said["version"]

    @property
    def stderr(self):
        """The last lines of its log."""
        return list(self._lines)

    def _keep_lines(self):
        for line in self._process.stderr:
            self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def stop(self):
        """Ends it, and waits until it has. Any number of times. Returns its exit status."""
        if self._stopped is None:
            self._signal(signal.SIGTERM)
            # Who holds its log open has not ended.
            self._keeps.join(_END_SECONDS)
            if self._keeps.is_alive():
                self._signal(signal.SIGKILL)
            self._ended()
        return self._stopped

    def _ended(self):
        self._stopped = self._process.wait()
        self._keeps.join()
        self._process.stderr.close()
        return self._stopped

    def _signal(self, number):
        """To the daemon, and to a shell or npx between, which does not hand it on."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def __del__(self):
        if getattr(self, "_process", None) is not None and self._stopped is None:
            self.stop()


def _program():
    try:
        said = shlex.split(os.environ.get("TNULL", ""))
    except ValueError as error:
        raise StartError("TNULL=%s: %s" % (os.environ["TNULL"], error)) from error
    if said:
        return said
    found = shutil.which("tnull")
    if found is None:
        raise StartError("tnull is not on the PATH, and TNULL does not say where it is")
    return [found]


class Device:
    """One device of a daemon."""

    def __init__(self, control, name):
        self.name = name
        self.faults = Faults(self)
        self._control = control

    def __repr__(self):
        return "<tnull.Device %s>" % self.uri

    @property
    def uri(self):
        """The NBD URI for clients, at the first listener."""
        return self.uris[0]

    @property
    def uris(self):
        return [_export_uri(one, self.name) for one in self._control.uris]

    @property
    def env(self):
        """What a program gets to know of it, as with `tnull --run`: subprocess.run(..., env={**os.environ, **disk.env})."""
        parts = [urlsplit(uri) for uri in self.uris]
        unix = [parse_qs(one.query)["socket"][0] for one in parts if one.scheme.endswith("+unix")]
        tcp = [one.port or 10809 for one in parts if not one.scheme.endswith("+unix")]
        control = self._control.control
        return {
            "uri": self.uri,
            "unixsocket": unix[0] if unix else "",
            "port": str(tcp[0]) if tcp else "",
            "control": control,
            "TNULL_CONTROL": control,
        }

    def call(self, method, path="", query=None, body=None):
        """A call below /v1/devices/NAME. See Control.call."""
        return self._control.call(method, "/v1/devices/" + quote(self.name, "") + path, query, body)

    def attributes(self):
        return self.call("GET")

    def set(self, force=False, **attributes):
        """Sets attributes, all or none; power is last. force: what is in flight fails, for power=0."""
        return self.call("PATCH", "", _forced(force), attributes)

    def power(self, on, force=False):
        self.set(power=int(on), force=force)

    def remove(self, force=False):
        self.call("DELETE", "", _forced(force))

    def snapshot(self, name):
        """Keeps what the device holds now, under this name."""
        self.call("PUT", _snapshot(name))

    def snapshots(self):
        return self.call("GET", "/snapshots")

    def rollback(self, name):
        """The device holds what it held then; its clients stay connected."""
        self.call("POST", _snapshot(name) + "/rollback")

    def destroy_snapshot(self, name):
        self.call("DELETE", _snapshot(name))

    def diff(self, other, snapshot=None):
        """The sectors in which it differs from `other`, NAME or NAME@SNAPSHOT."""
        own = self.name if snapshot is None else "%s@%s" % (self.name, snapshot)
        return self._control.call("GET", "/v1/diff", {"a": own, "b": other})

    def cut(self, keep=None, down=None, seed=None):
        """The power goes at once: no replies, broken connections, and what the cut leaves."""
        return self.call("POST", "/cut", {"keep": keep, "down": down, "seed": seed})

    def clients(self):
        """Clients that have agreed on the export and are still there, the first that came first."""
        return self.call("GET", "/clients")

    def requests(self):
        """Requests in flight."""
        return self.call("GET", "/requests")

    def stats(self):
        return self.call("GET", "/stats")

    def latencies(self):
        return self.call("GET", "/latencies")

    def zones(self, start=None, count=None):
        """From the zone that holds the sector `start` on."""
        return self.call("GET", "/zones", {"from": start, "count": count})["zones"]

    def zone(self, operation, sector, sectors=None):
        """open, close, finish or reset: the zone that holds `sector`, or whole zones, `sectors` in all."""
        self.call("POST", "/zones/" + quote(operation, ""), {"sector": sector, "sectors": sectors})

    def reset_zones(self):
        """Resets every sequential zone."""
        self.call("POST", "/zones/reset-all")

    def append(self, sector, data):
        """Writes at the write pointer of the zone that begins at `sector`. Returns the sector where the data are."""
        return self.call("POST", "/zones/append", {"sector": sector}, data)["sector"]

    def flush(self):
        """Writes the cache back."""
        self.call("POST", "/flush")

    def log(self, after=None, **words):
        """The last commands that clients sent, the oldest first; the attribute `log` says how many are kept. Words choose
        as those of rules: log(op="flush", client=1). The list has `dropped`: so many older ones are not kept any more."""
        entries = RequestLog()
        for line in (self.call("GET", "/log", {"after": after, **words}) or b"").splitlines():
            entry = json.loads(line)
            if "dropped" in entry:
                entries.dropped += entry["dropped"]
            else:
                entries.append(entry)
        return entries

    def follow_log(self, after=None, on_dropped=None, **words):
        """Yields each command that has ended, and each when it ends, as long as the device is there. on_dropped: called
        with how many could not be told."""
        path = "/v1/devices/" + quote(self.name, "") + "/log"
        with self._control._answer("GET", path, {"after": after, "follow": 1, **words}, None) as answer:
            for line in answer:
                entry = json.loads(line)
                if "dropped" not in entry:
                    yield entry
                elif on_dropped is not None:
                    on_dropped(entry["dropped"])

    def data(self, snapshot=None):
        """All octets of the device, or of a snapshot."""
        return self.call("GET", "/data", {"snapshot": snapshot}) or b""

    def set_data(self, data):
        """The device holds `data` (bytes, or a file opened as binary) from now on, with zeros behind."""
        self.call("PUT", "/data", body=data)

    def journal(self):
        """What clients have done since power on, as a file of docs/journal.md."""
        return self.call("GET", "/journal")

    def mark(self, text):
        """Writes a text into the journal: what the tested program believes."""
        self.call("POST", "/marks", body=text.encode())


class RequestLog(list):
    """Commands, each a dict. dropped: so many older ones are not kept any more, and the log proves nothing of them."""

    dropped = 0


class Faults:
    """The rules of a device: what goes wrong, when."""

    def __init__(self, device):
        self._device = device

    def add(self, before=None, **words):
        """One more rule: add(op="read", error="EIO"). A word that is one of Python's: add(op="read", **{"from": "1s"}).
        Returns the rule, with its "id"."""
        return self._device.call("POST", "/faults/rules", {"before": before}, words)

    def list(self):
        """The rules, with how often each has matched and struck."""
        return self._device.call("GET", "/faults")["rules"]

    def load(self, rules, seed=None):
        """In place of all rules; all or nothing."""
        plan = {"rules": list(rules)}
        self._device.call("PUT", "/faults", body=plan if seed is None else {"seed": seed, **plan})

    def plan(self):
        """Seed and rules, as they can be loaded again."""
        return self._device.call("GET", "/faults/plan")

    def remove(self, rule):
        self._device.call("DELETE", "/faults/rules/" + quote(rule, ""))

    def clear(self):
        self._device.call("DELETE", "/faults")

    def pause(self):
        self._device.call("POST", "/faults/pause")

    def resume(self):
        self._device.call("POST", "/faults/resume")

    def reset(self):
        self._device.call("POST", "/faults/reset")

    def release(self, rule=None):
        """Lets go what hangs. Returns how many commands."""
        return self._device.call("POST", "/faults/release", {"rule": rule})["released"]

    def log(self, after=None):
        """What the rules did, the oldest first, as far as it is kept."""
        lines = self._device.call("GET", "/faults/log", {"after": after}) or b""
        return [json.loads(line) for line in lines.splitlines()]

    def follow_log(self, after=None):
        """Yields what the rules did, and what they do, as long as the device is there."""
        path = "/v1/devices/" + quote(self._device.name, "") + "/faults/log"
        with self._device._control._answer("GET", path, {"after": after, "follow": 1}, None) as answer:
            for line in answer:
                yield json.loads(line)

    def replay(self, events):
        """Strikes exactly what a log names. Returns how many entries."""
        lines = "".join(json.dumps(event) + "\n" for event in events)
        return self._device.call("PUT", "/faults/replay", body=lines.encode())["entries"]


def _forced(force):
    return {"force": 1 if force else None}


def _snapshot(name):
    if not name:
        raise ValueError("the name of the snapshot is empty")
    return "/snapshots/" + quote(name, "")


def _export_uri(listener, name):
    place, mark, query = listener.partition("?")
    return place + ("" if place.endswith("/") else "/") + quote(name, "") + mark + query
