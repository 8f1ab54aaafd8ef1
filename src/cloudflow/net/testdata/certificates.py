"""Certificates for the servers of the tests, made by openssl in a directory that goes with them."""

import pathlib
import subprocess

NAMES = {
    # name: (authority, subject alternative names, begin, end)
    "server": ("ca", "DNS:localhost,IP:127.0.0.1", "", ""),
    "other_name": ("ca", "DNS:other.test,DNS:else.test", "", ""),
    "expired": ("ca", "DNS:localhost,IP:127.0.0.1", "20200101000000Z", "20200102000000Z"),
    "future": ("ca", "DNS:localhost,IP:127.0.0.1", "20700101000000Z", "20700102000000Z"),
    "client": ("ca", "DNS:client", "", ""),
    "stranger": ("other_ca", "DNS:stranger", "", ""),
}

CONFIGURATION = """
[req]
distinguished_name = name
[name]
[ca]
default_ca = {authority}
[{authority}]
new_certs_dir = {directory}
database = {directory}/{authority}.index
serial = {directory}/{authority}.serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
default_days = 30
[any]
commonName = supplied
"""


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, text=True)


def make_key(directory: pathlib.Path, name: str) -> str:
    path = str(directory / f"{name}.key")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    return path


def make_authority(directory: pathlib.Path, name: str) -> None:
    key = make_key(directory, name)
    openssl("req", "-x509", "-new", "-key", key, "-subj", f"/CN=authority {name}", "-days", "30",
            "-out", str(directory / f"{name}.pem"))
    (directory / f"{name}.index").touch()
    (directory / f"{name}.serial").write_text("01\n")
    (directory / f"{name}.conf").write_text(CONFIGURATION.format(authority=name, directory=directory))


def make_certificate(directory: pathlib.Path, name: str) -> None:
    authority, names, begin, end = NAMES[name]
    key, request = make_key(directory, name), str(directory / f"{name}.csr")
    configuration = str(directory / f"{authority}.conf")
    openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
            "-config", configuration, "-out", request)
    period = ["-startdate", begin, "-enddate", end] if begin else []
    openssl("ca", "-batch", "-notext", "-config", configuration, "-cert", str(directory / f"{authority}.pem"),
            "-keyfile", str(directory / f"{authority}.key"), "-in", request, *period,
            "-out", str(directory / f"{name}.pem"))


def make(directory: pathlib.Path, *names: str) -> None:
    """Both authorities, and certificates of these names."""
    for authority in ("ca", "other_ca"):
        make_authority(directory, authority)
    for name in names:
        make_certificate(directory, name)


def make_all(directory: pathlib.Path) -> None:
    make(directory, *NAMES)
    openssl("pkey", "-in", str(directory / "client.key"), "-aes128", "-passout", "pass:s3cr3t",
            "-out", str(directory / "encrypted.key"))
