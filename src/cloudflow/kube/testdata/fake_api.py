"""A small API server for the tests of kube: objects of any resource in memory, watches, and faults when told so.

usage: fake_api.py DIRECTORY

Prints {"http": port, "https": port}, and ends when its standard input does. Tests tell it things under /fake/:

  POST /fake/next      [{"status": 500, "body": ..., "headers": {...}, "cut": true, "for": "GET /api/..."}, ...]: answers
                       of the next requests, in turn; "cut" ends the connection instead, "for" is the method and the
                       beginning of the path that it is for
  POST /fake/forget    what has changed so far cannot be watched or listed on from any more
  POST /fake/end       watches end; {"cut": true}: by a reset
  POST /fake/bookmark  watches get a bookmark
  POST /fake/token     {"token": "x"}: who does not show it is unauthorized
  GET  /fake/requests  what has been asked since the last time, as "METHOD path", and the headers of the last one
"""

import json
import pathlib
import socket
import ssl
import struct
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "net" / "testdata"))
import certificates  # noqa: E402
from quiet_http import QuietHandler, QuietServer  # noqa: E402

REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
           409: "Conflict", 410: "Expired", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError"}


class Refused(Exception):
    def __init__(self, status, message, reason=None):
        super().__init__(message)
        self.status, self.message, self.reason = status, message, reason or REASONS[status]


def status_object(status, message, reason):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": status}


def merged(into, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    out = dict(into) if isinstance(into, dict) else {}
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        else:
            out[name] = merged(out.get(name), value)
    return out


class World:
    def __init__(self):
        self.changed = threading.Condition()
        self.version = 100
        self.oldest = 0  # from where on one may watch
        self.objects = {}  # (collection, namespace, name): object
        self.history = []  # (version, collection, namespace, type, object)
        self.endings = self.cuts = self.bookmarks = 0
        self.next, self.requests, self.headers, self.token = [], [], {}, None

    def record(self, where, kind, value):
        self.version += 1
        value["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, where[0], where[1], kind, json.loads(json.dumps(value))))
        self.changed.notify_all()

    def put(self, where, value):
        is_new = where not in self.objects
        metadata = value.setdefault("metadata", {})
        metadata["name"] = where[2]
        if where[1]:
            metadata["namespace"] = where[1]
        metadata["uid"] = f"uid-{self.version}" if is_new else self.objects[where]["metadata"]["uid"]
        self.objects[where] = value
        self.record(where, "ADDED" if is_new else "MODIFIED", value)
        return value


world = World()


class Place:
    """What a path names: /api/v1/namespaces/NS/pods/NAME/status, /apis/apps/v1/deployments ..."""

    def __init__(self, path):
        words = [urllib.parse.unquote(word) for word in path.strip("/").split("/")]
        length = 2 if words[0] == "api" else 3
        self.group_version, rest = words[:length], words[length:]
        self.namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces":
            self.namespace, rest = rest[1], rest[2:]
        self.collection = "/".join(self.group_version) + "/" + rest[0]
        self.kind = {"leases": "Lease", "pods": "Pod"}.get(rest[0], rest[0].capitalize())
        self.name = rest[1] if len(rest) > 1 else ""
        self.part = rest[2] if len(rest) > 2 else ""
        self.key = (self.collection, self.namespace, self.name)


class Handler(QuietHandler):
    def answer(self, status, body, headers=()):
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def cut(self):
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def any_method(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urllib.parse.urlsplit(self.path)
        if parts.path.startswith("/fake/"):
            return getattr(self, "fake_" + parts.path[6:])()
        with world.changed:
            world.requests.append(f"{self.command} {self.path}")
            world.headers = {name.lower(): value for name, value in self.headers.items()}
            world.changed.notify_all()
            planned = self.planned()
        if planned:
            return self.cut() if planned.get("cut") else self.answer(planned["status"], planned.get("body", {}),
                                                                     planned.get("headers", {}))
        try:
            self.serve(parts)
        except Refused as e:
            self.answer(e.status, status_object(e.status, e.message, e.reason))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = any_method

    def planned(self):
        if world.next and f"{self.command} {self.path}".startswith(world.next[0].get("for", "")):
            return world.next.pop(0)
        return None

    def serve(self, parts):
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        if world.token and self.headers.get("Authorization") != f"Bearer {world.token}":
            raise Refused(401, "Unauthorized")
        place = Place(parts.path)
        if self.command == "GET" and self.query.get("watch"):
            return self.watch(place)
        if place.part == "log":
            return self.log(place)
        with world.changed:
            status, body = getattr(self, "serve_" + self.command)(place)
        self.answer(status, body)

    # -- objects ----------------------------------------------------------------------------------------------------

    def found(self, place):
        if place.key not in world.objects:
            raise Refused(404, f'{place.collection.rpartition("/")[2]} "{place.name}" not found')
        return world.objects[place.key]

    def check_version(self, wanted, held):
        if wanted and wanted != held["metadata"]["resourceVersion"]:
            raise Refused(409, "the object has been modified; please apply your changes to the latest version")

    def serve_GET(self, place):
        return (200, self.found(place)) if place.name else (200, self.list(place))

    def list(self, place):
        items = [o for (collection, namespace, _), o in sorted(world.objects.items())
                 if collection == place.collection and place.namespace in ("", namespace)]
        begin, version = 0, world.version
        if "continue" in self.query:
            begin, version = map(int, self.query["continue"].split("@"))
            if version < world.oldest:
                raise Refused(410, "The provided continue parameter is too old")
        limit = min(int(self.query.get("limit", len(items) + 1)), 2 if "limit" in self.query else len(items) + 1)
        more = begin + limit < len(items)
        bare = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in items[begin:begin + limit]]
        return {"kind": place.kind + "List", "apiVersion": "/".join(place.group_version[1:]), "items": bare,
                "metadata": {"resourceVersion": str(version), "continue": f"{begin + limit}@{version}" if more else ""}}

    def serve_POST(self, place):
        value = json.loads(self.body)
        place.key = (place.collection, place.namespace, value["metadata"]["name"])
        if place.key in world.objects:
            raise Refused(409, f'"{place.key[2]}" already exists', "AlreadyExists")
        return 201, world.put(place.key, value)

    def serve_PUT(self, place):
        held, value = self.found(place), json.loads(self.body)
        self.check_version(value["metadata"].get("resourceVersion"), held)
        return 200, world.put(place.key, value)

    def serve_PATCH(self, place):
        patch = json.loads(self.body)
        if self.headers["Content-Type"] == "application/apply-patch+yaml":
            if "fieldManager" not in self.query:
                raise Refused(422, "fieldManager is required")
            held = world.objects.get(place.key, {})
        elif self.headers["Content-Type"] == "application/merge-patch+json":
            held = self.found(place)
        else:
            raise Refused(415, "unsupported", "UnsupportedMediaType")
        if place.part == "status":
            patch = {"status": patch.get("status")}
        return 200 if held else 201, world.put(place.key, merged(held, patch))

    def serve_DELETE(self, place):
        held, options = self.found(place), json.loads(self.body or b"{}")
        preconditions = options.get("preconditions", {})
        if preconditions.get("uid") not in (None, held["metadata"]["uid"]):
            raise Refused(409, "the UID in the precondition does not match the UID in record")
        self.check_version(preconditions.get("resourceVersion"), held)
        del world.objects[place.key]
        world.record(place.key, "DELETED", held)
        return 200, {"kind": "Status", "status": "Success"}

    # -- what lasts -------------------------------------------------------------------------------------------------

    def watch(self, place):
        begin = at = int(self.query.get("resourceVersion") or world.version)
        if at < world.oldest:
            raise Refused(410, f"too old resource version: {at} ({world.oldest})")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        endings, cuts, bookmarks = world.endings, world.cuts, world.bookmarks
        while True:
            with world.changed:
                world.changed.wait_for(lambda: world.version > at or world.endings > endings or
                                       world.bookmarks > bookmarks or world.oldest > begin, 60)
                events = [(kind, value) for version, collection, namespace, kind, value in world.history
                          if version > at and collection == place.collection and place.namespace in ("", namespace)]
                at = world.version
                if world.bookmarks > bookmarks:
                    bookmarks = world.bookmarks
                    events.append(("BOOKMARK", {"kind": place.kind, "metadata": {"resourceVersion": str(at)}}))
                    begin = at
                if world.oldest > begin:
                    events.append(("ERROR", status_object(410, "too old", "Expired")))
                is_over = world.endings > endings or world.oldest > begin
            for kind, value in events:
                self.wfile.write(json.dumps({"type": kind, "object": value}).encode() + b"\n")
            if is_over:
                return self.cut() if world.cuts > cuts else None

    def log(self, place):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"first\n")
        self.wfile.flush()
        self.close_connection = True
        if self.query.get("follow"):
            with world.changed:
                endings = world.endings
                world.changed.wait_for(lambda: world.endings > endings, 60)
            self.wfile.write(b"last\n")

    # -- what tests tell it -----------------------------------------------------------------------------------------

    def told(self, change):
        with world.changed:
            change(json.loads(self.body or b"{}"))
            world.changed.notify_all()
        self.answer(200, {})

    def fake_next(self):
        self.told(world.next.extend)

    def fake_token(self):
        self.told(lambda what: setattr(world, "token", what["token"]))

    def fake_forget(self):
        def forget(_):
            world.version += 1
            world.oldest = world.version
            world.history.clear()
        self.told(forget)

    def fake_end(self):
        def end(what):
            world.endings += 1
            world.cuts += 1 if what.get("cut") else 0
        self.told(end)

    def fake_bookmark(self):
        def bookmark(_):
            world.version += 1
            world.bookmarks += 1
        self.told(bookmark)

    def fake_requests(self):
        with world.changed:
            seen, world.requests = world.requests, []
            body = {"requests": seen, "headers": world.headers}
        self.answer(200, body)


def main(directory: pathlib.Path) -> None:
    certificates.make(directory, "server")
    plain, secured = QuietServer(("127.0.0.1", 0), Handler), QuietServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    context.load_verify_locations(directory / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    secured.socket = context.wrap_socket(secured.socket, server_side=True)
    for server in (plain, secured):
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 60}, daemon=True).start()
    print(json.dumps({"http": plain.server_address[1], "https": secured.server_address[1]}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
