"""Certificates and passwords that change while the application works: it goes on by itself, and every record counts once."""

import os
import pathlib
import time
import unittest

import ledger

PROGRAM = os.environ.get("CLOUDFLOW_LEDGER", str(ledger.ROOT / "build/bin/ledger"))
RECORDS = int(os.environ.get("CLOUDFLOW_RECORDS", "25000"))  # the soak sends more
CLUSTER = "cloudflow.kafka.clusters.default"


def settings(servers, connection):
    return [f'{CLUSTER}.bootstrap.servers="{servers}"'] + [
        f'{CLUSTER}.connection-config."{name}"="{value}"' for name, value in connection.items()]


class Rotation(ledger.Faults):
    """A secret changes; then the broker is killed and comes back, so that every connection needs the new one."""

    NEEDS_SECURED_BROKER = True

    def broker_that_closes_every_connection(self):
        self.server.restart()


class Certificates(Rotation):
    """Another authority, and certificates of it on both sides: the former ones are refused."""

    KINDS = {"certificates": 1}

    def connection(self):
        return settings(self.server.address("ssl"), {
            "security.protocol": "SSL", "ssl.ca.location": self.server.pki("ca.pem"),
            "ssl.certificate.location": self.server.pki("client.pem"), "ssl.key.location": self.server.pki("client.key")})

    def certificates(self, _):
        self.server.rotate_certificates()
        self.broker_that_closes_every_connection()


class Passwords(Rotation):
    """The broker has the new password first, as it is where an operator changes it and then the secret."""

    KINDS = {"password": 1}

    def connection(self):
        self.write("app-secret")
        return settings(self.server.address("sasl_ssl"), {
            "security.protocol": "SASL_SSL", "ssl.ca.location": self.server.pki("ca.pem"),
            "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "app", "sasl.password.location": self.file})

    def password(self, _):
        new = f"secret-{self.numbers.randrange(1 << 32)}"
        self.server.set_password(new)
        self.broker_that_closes_every_connection()
        time.sleep(self.numbers.uniform(0, 3))  # the former one is refused meanwhile
        self.write(new)

    @property
    def file(self):
        return self.directory / "password"

    def write(self, text):
        whole = pathlib.Path(f"{self.file}.new")
        whole.write_text(text)
        whole.rename(self.file)


class Rotations(unittest.TestCase):
    def test_new_certificates_of_another_authority_are_taken_up_under_load(self):
        ledger.run(PROGRAM, RECORDS, faults=2, seed=4, seconds=24, kind_of_faults=Certificates)

    def test_a_new_password_is_taken_up_under_load(self):
        ledger.run(PROGRAM, RECORDS, faults=2, seed=5, seconds=24, kind_of_faults=Passwords)


if __name__ == "__main__":
    unittest.main(verbosity=2)
