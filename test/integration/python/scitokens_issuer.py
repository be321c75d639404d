# A local issuer over https, and a real arrakis-server with `--auth full` that trusts it.
# Prints {"event": "ready", "issuers": [...], "arrakis": URL, "ca": PATH}; runs until it is ended. DIR keeps the private keys
# (NAME.pem) for scitokens_parity.py.
# Invariant: nothing but this machine is connected to; the certificate is trusted by those who are given its file alone.
import argparse
import datetime
import http.server
import ipaddress
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

# The issuers by path, and the keys that each lists. "other" is not configured at either server.
ISSUERS = {"one": ["rsa", "ec"], "two": ["ec"], "other": ["rsa"]}
CONFIGURED = ["one", "two"]
AUDIENCES = ["https://localhost", "http://127.0.0.1"]


def private_keys():
    return {
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ec": ec.generate_private_key(ec.SECP256R1()),
        "stranger": ec.generate_private_key(ec.SECP256R1()),
    }


def jwk_of(name, key):
    algorithm = RSAAlgorithm if name == "rsa" else ECAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": name, "use": "sig"}


def pem_of(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signed(name, issuer, key, signer, extensions):
    today = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def make_certificates(directory):
    """An authority, and a certificate of localhost that it has signed."""
    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    named = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    ca = named("Qanat test authority")
    key_id = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    root = signed(ca, ca, authority, authority, [
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (key_id, False),
        (x509.KeyUsage(False, False, False, False, False, True, True, False, False), True),
    ])
    names = x509.SubjectAlternativeName([
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ])
    leaf = signed(named("localhost"), ca, server, authority, [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (names, False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), False),
        (x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ])
    write = lambda name, *parts: open(f"{directory}/{name}", "wb").write(b"".join(parts))
    pem = serialization.Encoding.PEM
    write("ca.pem", root.public_bytes(pem))
    write("server.pem", leaf.public_bytes(pem), pem_of(server))


def serve_issuers(directory, keys):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name, _, rest = self.path.lstrip("/").partition("/")
            base = f"https://localhost:{self.server.server_port}/{name}"
            document = None
            if name in ISSUERS and rest == ".well-known/openid-configuration":
                document = {"issuer": base, "jwks_uri": f"{base}/keys"}
            elif name in ISSUERS and rest == "keys":
                document = {"keys": [jwk_of(key, keys[key]) for key in ISSUERS[name]]}
            body = json.dumps(document).encode()
            self.send_response(200 if document else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{directory}/server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {name: f"https://localhost:{server.server_port}/{name}" for name in ISSUERS}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_arrakis(directory, issuers):
    port = free_port()
    command = [sys.executable, "-m", "arrakis_server", "-q", "-u", f"grpc://127.0.0.1:{port}", "--auth", "full"]
    for name in CONFIGURED:
        command += ["--scitoken-issuer", issuers[name]]
    for audience in AUDIENCES:
        command += ["--scitoken-audience", audience]
    # scitokens keeps keys in a file below XDG_CACHE_HOME.
    env = {**os.environ, "SSL_CERT_FILE": f"{directory}/ca.pem", "XDG_CACHE_HOME": directory}
    server = subprocess.Popen([*command, "mock"], env=env)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return server, f"grpc://localhost:{port}"
        except OSError:
            assert server.poll() is None, "arrakis-server has ended"
            time.sleep(0.1)
    raise RuntimeError("arrakis-server does not answer")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dir", required=True)
    directory = parser.parse_args().dir
    keys = private_keys()
    for name, key in keys.items():
        with open(f"{directory}/{name}.pem", "wb") as file:
            file.write(pem_of(key))
    make_certificates(directory)
    issuers = serve_issuers(directory, keys)
    server, arrakis = start_arrakis(directory, issuers)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print(json.dumps({
        "event": "ready",
        "issuers": issuers,
        "configured": [issuers[name] for name in CONFIGURED],
        "audiences": AUDIENCES,
        "arrakis": arrakis,
        "ca": f"{directory}/ca.pem",
    }), flush=True)
    try:
        while not stop.wait(0.5):
            assert server.poll() is None, "arrakis-server has ended"
    finally:
        server.terminate()
        server.wait()


main()
