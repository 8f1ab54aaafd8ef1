"""The servers that the tests of net talk to, each on a free port of the loopback interface.

usage: servers.py DIRECTORY

Makes certificates in DIRECTORY, starts everything, prints one line, {"name": port, ...}, and ends when its standard
input does. HTTP is Python's http.server, TLS is OpenSSL through Python's ssl, proxies are tinyproxy.
"""

import json
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

import certificates
from quiet_http import QuietHandler, QuietServer

PATIENCE = 10  # seconds: for what must happen; who waits so long has failed


class Events:
    """What a request waits for and another one brings about."""

    def __init__(self):
        self.changed = threading.Condition()
        self.count: dict[str, int] = {}

    def bring(self, name: str) -> None:
        with self.changed:
            self.count[name] = self.count.get(name, 0) + 1
            self.changed.notify_all()

    def wait(self, name: str) -> bool:
        with self.changed:
            found = self.changed.wait_for(lambda: self.count.get(name, 0) > 0, PATIENCE)
            if found:
                self.count[name] -= 1
            return found


events = Events()
connections = iter(range(1, 1_000_000))


def reset(connection: socket.socket) -> None:
    """Ends it by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Handler(QuietHandler):
    vanishes = False  # at the next request

    def setup(self):
        super().setup()
        self.number, self.requests = next(connections), 0

    def any_method(self):
        parts = urllib.parse.urlsplit(self.path)
        self.requests += 1
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        name = parts.path.rpartition("/")[2].replace("-", "_") or "echo"
        if self.vanishes:
            self.read_body()
            self.close_connection = True
            return
        getattr(self, name)()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = any_method

    # -- parts ----------------------------------------------------------------------------------------------------

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes = b"", headers=()) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def raw(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.close_connection = True

    # -- what paths do --------------------------------------------------------------------------------------------

    def echo(self):
        body = self.read_body()
        self.answer(200, json.dumps({
            "method": self.command, "target": self.path, "connection": self.number, "request": self.requests,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body[:1000].decode("latin-1"), "size": len(body)}).encode())

    def status(self):
        self.read_body()
        headers = [(n, v) for n, v in self.query.items() if n not in ("code", "body")]
        self.answer(int(self.query["code"]), self.query.get("body", "").encode(), headers)

    def sized(self):
        self.answer(200, b"x" * int(self.query["bytes"]))

    def chunked(self):
        self.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n")

    def until_closed(self):
        self.raw("HTTP/1.1 200 OK\r\nX-Folded: a\r\n  b\r\nX-Empty:\r\n\r\nall until the end")

    def short(self):
        self.raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot a hundred")

    def short_chunk(self):
        self.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nnot a hundred")

    def bad_chunk(self):
        self.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n")

    def nothing(self):
        self.raw("")

    def half_a_head(self):
        self.raw("HTTP/1.1 200 OK\r\nContent-Type: text/pl")

    def garbage(self):
        self.raw("this is no HTTP\r\n\r\n")

    def long_header(self):
        self.raw(f"HTTP/1.1 200 OK\r\nX-Long: {'x' * int(self.query['bytes'])}\r\nContent-Length: 0\r\n\r\n")

    def many_headers(self):
        lines = "".join(f"X-{i}: value\r\n" for i in range(int(self.query["count"])))
        self.raw(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n")

    def interim(self):
        self.read_body()
        self.raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast")

    def redirect(self):
        self.read_body()
        self.answer(int(self.query.get("code", 302)), b"elsewhere", [("Location", self.query["to"])])

    def redirect_again(self):
        self.answer(302, b"", [("Location", self.path)])

    def reset_at_once(self):
        reset(self.connection)
        self.close_connection = True

    def refuse_early(self):
        self.answer(413, b"too much", [("Connection", "close")])
        self.wfile.flush()
        self.read_body()
        self.close_connection = True

    def drip(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(int(self.query["times"])):
            self.wfile.write(b".")
            time.sleep(int(self.query["every_ms"]) / 1000)
        self.close_connection = True

    def stall(self):
        """A piece of the body, then nothing until the client goes."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"begin\n")
        self.rfile.read(1)

    def silent(self):
        events.bring("silent")
        self.rfile.read(1)

    def lines(self):
        """A line, and another one each time when /release has been called; the last one ends it."""
        self.send_response(int(self.query.get("code", 200)))
        self.end_headers()
        for i in range(int(self.query["count"])):
            if i and not events.wait("release"):
                break
            self.wfile.write(f"line {i}\n".encode())
        self.close_connection = True

    def release(self):
        events.bring("release")
        self.answer(200)

    def flood(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"x" * 65536)

    def wait(self):
        """Answers when what is asked for has happened."""
        self.answer(200 if events.wait(self.query["for"]) else 504)

    def then_vanish(self):
        """Answers; the next request on the connection is read and not answered."""
        self.vanishes = True
        self.echo()

    def then_close(self):
        """Answers and closes, without having said so."""
        self.echo()
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
        events.bring("closed")


class Server(QuietServer):
    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context

    def finish_request(self, request, client_address):
        """On a thread of the connection's own."""
        if self.context is None:
            return super().finish_request(request, client_address)
        duplicate = request.dup()
        try:
            secured = self.context.wrap_socket(request, server_side=True)
            super().finish_request(secured, client_address)
        except OSError:
            # A close with bytes unread would be an RST, which may overtake the alert.
            duplicate.shutdown(socket.SHUT_WR)
            duplicate.settimeout(PATIENCE)
            while duplicate.recv(65536):
                pass
        finally:
            duplicate.close()


def context_of(directory: pathlib.Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    return context


def tls_servers(directory: pathlib.Path):
    for name in ("server", "other_name", "expired", "future"):
        yield f"tls_{name}", Server(context_of(directory, name))
    for name, version in (("tls_client", ssl.TLSVersion.TLSv1_3), ("tls_client_12", ssl.TLSVersion.TLSv1_2)):
        context = context_of(directory, "server")
        context.maximum_version = version
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(directory / "ca.pem")
        yield name, Server(context)
    old = context_of(directory, "server")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    yield "tls_11", Server(old)


def run(server: Server) -> int:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 60}, daemon=True).start()
    return server.server_address[1]


def listener(behaviour) -> int:
    """A port; what connects is handed to `behaviour` once it has sent something."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            connection, _ = listening.accept()
            connection.recv(1)
            behaviour(connection)

    threading.Thread(target=serve, daemon=True).start()
    return listening.getsockname()[1]


kept = []  # sockets that stay as they are


def hold(connection: socket.socket) -> None:
    kept.append(connection)
    events.bring("held")


def full_port() -> int:
    """Where connecting takes for ever: nobody accepts, and the queue is full."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    kept.append(listening)
    for _ in range(2):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listening.getsockname())
        kept.append(client)
    return listening.getsockname()[1]


def refusing_port() -> int:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    kept.append(bound)
    return bound.getsockname()[1]


# -- proxies ------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def proxy(directory: pathlib.Path, name: str, settings: str, running: list) -> int:
    """A port that is free may be taken before tinyproxy has it; then another one."""
    for _ in range(10):
        port = free_port()
        configuration = directory / f"{name}.proxy"
        configuration.write_text(f'Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 20\nLogLevel Connect\n'
                                 f'LogFile "{directory}/{name}.log"\n{settings}\n')
        # util-linux: it ends with this process, however that ends.
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "tinyproxy", "-d", "-c", configuration],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running.append(process)
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return port
            except OSError:
                time.sleep(0.005)
    raise RuntimeError(f"tinyproxy does not start; see {directory}/{name}.log")


def proxies(directory: pathlib.Path, running: list):
    yield "proxy", proxy(directory, "proxy", "", running)
    yield "proxy_secured", proxy(directory, "proxy_secured", "BasicAuth user s3cr3t", running)
    yield "proxy_strict", proxy(directory, "proxy_strict", "ConnectPort 1", running)


def main(directory: pathlib.Path) -> None:
    certificates.make_all(directory)
    running: list[subprocess.Popen] = []
    ports = {"plain": run(Server()), "held": listener(hold), "full": full_port(), "refusing": refusing_port(),
             "cut": listener(lambda connection: connection.close()), "cut_by_reset": listener(reset)}
    ports |= {name: run(server) for name, server in tls_servers(directory)}
    ports |= dict(proxies(directory, running))
    print(json.dumps(ports), flush=True)
    sys.stdin.read()
    for process in running:
        process.kill()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
