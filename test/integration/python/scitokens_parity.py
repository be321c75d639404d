# Shows each of many tokens to a real arrakis-server and to Qanat, and prints what each says, one JSON line a token:
# {"case", "arrakis": "accepted" | "unauthenticated" | "unauthorized" | "failed", "status", "error", "channels"}
# Tokens are made by the package scitokens; by PyJWT where scitokens cannot make such a one.
# With --scopes N: N lists of scopes by chance, and for each {"case", "expected", "found"}: the channels that the package's
# Enforcer grants as paths /PUBLISHER/NAME, and those that Qanat shows. With --clients: what Arrakis's own clients find.
# With --publish URL, Qanat's Flight port: {"case", "arrakis", "qanat"}, the answers to a publisher that asks for Kafka.
# Invariant: no line contains a token.
import argparse
import base64
import json
import os
import random
import time
import urllib.parse
import warnings

warnings.simplefilter("ignore")
parser = argparse.ArgumentParser()
parser.add_argument("--dir", required=True)
parser.add_argument("--world", required=True)
parser.add_argument("--qanat", required=True)
parser.add_argument("--scopes", type=int, default=0)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--clients", action="store_true")
parser.add_argument("--publish")
arguments = parser.parse_args()
world = json.loads(arguments.world)
# Read when the packages are imported.
os.environ["SSL_CERT_FILE"] = world["ca"]
os.environ["XDG_CACHE_HOME"] = f"{arguments.dir}/client"
os.environ.pop("BEARER_TOKEN", None)

import jwt
import requests
from arrakis import Client
from cryptography.hazmat.primitives import serialization
from pyarrow import flight
from scitokens import Enforcer, SciToken

ONE, TWO, OTHER = (world["issuers"][name] for name in ("one", "two", "other"))
AUDIENCE = world["audiences"][0]
ALL = "arrakis.read:/"


def key_of(name):
    with open(f"{arguments.dir}/{name}.pem", "rb") as file:
        return serialization.load_pem_private_key(file.read(), None)


KEYS = {name: key_of(name) for name in ("rsa", "ec", "stranger")}


def made(key="rsa", kid=None, issuer=ONE, lifetime=600, **claims):
    """A token of the package scitokens; None leaves a claim out."""
    token = SciToken(key=KEYS[key], key_id=kid or key)
    given = {"aud": AUDIENCE, "sub": "alice", "scope": ALL, **claims}
    token.update_claims({name: value for name, value in given.items() if value is not None})
    return token.serialize(issuer=issuer, lifetime=lifetime).decode()


def raw(key="rsa", header=None, drop_kid=False, **claims):
    """A token with any claims; None leaves a claim out."""
    now = int(time.time())
    given = {
        "iss": ONE, "aud": AUDIENCE, "sub": "alice", "scope": ALL,
        "exp": now + 600, "nbf": now - 1, "iat": now - 1, **claims,
    }
    payload = {name: value for name, value in given.items() if value is not None}
    headers = {**({} if drop_kid else {"kid": key}), **(header or {})}
    algorithm = "RS256" if key == "rsa" else "ES256"
    # PyJWT refuses to make some claims that it refuses to read.
    text = json.dumps(payload).encode()
    return jwt.api_jws.encode(text, KEYS[key], algorithm=algorithm, headers={"typ": "JWT", **headers})


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_header(token, **header):
    _, claims, signature = token.split(".")
    return f"{part(header)}.{claims}.{signature}"


def hs256():
    public = KEYS["rsa"].public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    import hashlib
    import hmac

    text = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{raw().split('.')[1]}"
    digest = hmac.new(public, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def changed_claims():
    header, _, signature = raw().split(".")
    return f"{header}.{part({'iss': ONE, 'aud': AUDIENCE, 'sub': 'root', 'scope': ALL, 'exp': time.time() + 60})}.{signature}"


def cases():
    now = int(time.time())
    ver = {"ver": "scitoken:2.0"}
    yield "RS256", made()
    yield "ES256", made("ec")
    yield "the second issuer", made("ec", issuer=TWO)
    yield "SciTokens 2.0", made(**ver)
    yield "a list of audiences", made(aud=["https://elsewhere", AUDIENCE])
    yield "the audience ANY", made(aud="ANY")
    yield "the audience ANY in a list", made(aud=["x", "ANY"])
    yield "several scopes", made(scope=f"openid arrakis.create:/H1 {ALL}")
    yield "a scope without a path", made(scope="arrakis.read")
    yield "a scope with slashes", made(scope="arrakis.read://")
    yield "a scope with a dot", made(scope="arrakis.read:/./")
    yield "a scope with an encoded dot", made(scope="arrakis.read:/%2e")
    yield "a scope with an encoded dot in capitals", made(scope="arrakis.read:/%2E")
    yield "claims that SciTokens 2.0 does not know", made(groups=["a"], **ver)
    yield "a list scp", raw(scope=None, scp=[ALL])
    yield "a text scp", raw(scope=None, scp=ALL)
    yield "a text scp with two scopes", raw(scope=None, scp=f"openid {ALL}")
    yield "scope and scp agree", raw(scp=[ALL])
    yield "scope and scp disagree", raw(scp=["openid"])
    yield "no key id, one key", raw("ec", drop_kid=True, iss=TWO)
    yield "no key id, two keys", raw(drop_kid=True)
    yield "a key in the header", raw(header={"jwk": {"kty": "oct", "k": "AAAA"}, "jku": OTHER})
    yield "no scope", made(scope=None)
    yield "an empty scope", made(scope="")
    yield "a scope for something else", made(scope="arrakis.create:/ openid read:/")
    yield "a longer name of a scope", made(scope="arrakis.readers:/ arrakis.read.x:/")
    yield "a scope in capitals", made(scope="ARRAKIS.READ:/")
    yield "a scope with a step up", made(scope="arrakis.read:/..")
    yield "a scope with an encoded step up", made(scope="arrakis.read:/x/%2E%2e")
    yield "a relative scope", made(scope="arrakis.read:x")
    yield "an empty path", made(scope="arrakis.read:")
    yield "a broken scope before the right one", made(scope=f"read {ALL}")
    yield "a broken scope after the right one", made(scope=f"{ALL} read")
    yield "a list as scope", raw(scope=[ALL])
    yield "another audience", made(aud="https://elsewhere")
    yield "an audience with a slash", made(aud=AUDIENCE + "/")
    yield "an empty list of audiences", made(aud=[])
    yield "SciTokens 2.0 without audience", made(aud=None, **ver)
    yield "an issuer that is not configured, same key id", made(issuer=OTHER)
    yield "an issuer with a slash", made(issuer=ONE + "/")
    yield "no issuer", raw(iss=None)
    yield "expired", made(lifetime=-60)
    yield "not yet valid", raw(nbf=now + 60)
    yield "issued in the future", raw(iat=now + 60)
    yield "exp is no number", raw(exp="soon")
    yield "no subject", made(sub=None)
    yield "a subject that is a number", raw(sub=7)
    yield "an unknown version of SciTokens", made(ver="scitoken:3.0")
    yield "another key with the same id", made("stranger", kid="ec")
    yield "an unknown key id", made("stranger")
    yield "a key id that is a path", raw(header={"kid": "../../../../dev/null"})
    yield "a key id that is a number", with_header(raw(), alg="RS256", kid=1)
    yield "the other key's id", raw("ec", header={"kid": "rsa"})
    yield "alg none", with_header(raw(), alg="none", kid="rsa")
    yield "alg none without signature", ".".join([part({"alg": "none"}), raw().split(".")[1], ""])
    yield "HS256 with the public key", hs256()
    yield "critical extensions", with_header(raw(), alg="RS256", kid="rsa", crit=["exp"], exp=1)
    yield "changed claims", changed_claims()
    yield "four parts", raw() + ".x"
    yield "two parts", raw().rpartition(".")[0]
    yield "not a JWT", "hello"
    # What follows differs on purpose.
    yield "a publisher alone", made(scope="arrakis.read:/H1QANAT")
    yield "no expiry", raw(exp=None)
    yield "SciTokens 1.0 without audience", made(aud=None)
    yield "claims that SciTokens 1.0 does not know", made(groups=["a"])
    yield "an empty subject", made(sub="")
    yield "expired within the tolerance", made(lifetime=-1)
    yield "exp is a number as text", raw(exp=str(now + 600))
    # Beyond the limit of gRPC for all headers, 16 KiB; from 8 KiB on it refuses some at random.
    yield "20,000 characters", made(pad="x" * 15000, **ver)


def of_arrakis(token):
    try:
        Client(world["arrakis"], token=token).count()
        return "accepted"
    except flight.FlightUnauthenticatedError:
        return "unauthenticated"
    except flight.FlightUnauthorizedError:
        return "unauthorized"
    except Exception as error:
        text = repr(error)
        for word in ("unauthenticated", "unauthorized"):
            if word in text.lower():
                return word
        return "failed"


def of_qanat(token):
    response = requests.get(
        f"{arguments.qanat}/v1/channels", headers={"authorization": f"Bearer {token}"}, timeout=30
    )
    body = response.json()
    names = [channel["name"] for channel in body["channels"]] if response.ok else []
    return {"status": response.status_code, "error": body.get("error"), "channels": len(names)}, names


def say(**fields):
    print(json.dumps(fields), flush=True)


def catalog():
    response = requests.get(
        f"{arguments.qanat}/v1/channels", headers={"authorization": f"Bearer {made()}"}, timeout=30
    )
    return [(channel["publisher"], channel["name"]) for channel in response.json()["channels"]]


def granted(enforcer, token, publisher, name):
    try:
        return enforcer.test(token, "arrakis.read", f"/{publisher}/{name}")
    except Exception:  # it raises for some broken scopes, and refuses others
        return False


def by_chance(count):
    dice = random.Random(arguments.seed)
    channels = catalog()
    publishers = sorted({publisher for publisher, _ in channels})
    enforcer = Enforcer([ONE], audience=[AUDIENCE])

    def piece():
        publisher, name = dice.choice(channels)
        text = dice.choice([publisher, f"{publisher}/{name}", dice.choice(publishers), name, "", "H1"])
        for _ in range(dice.choice([0, 0, 0, 1, 1, 2])):
            at = dice.randint(0, len(text))
            text = text[:at] + dice.choice([
                "/", "//", "/./", "/../", "%2e", "%2E", "%2f", "%41", "%", "a", ".", "?", "+", "#", ":", "~",
            ]) + text[at:]
        if text and dice.random() < 0.2:
            at = dice.randrange(len(text))
            text = f"{text[:at]}%{ord(text[at]):02x}{text[at + 1:]}"
        lead = dice.choice(["arrakis.read:/"] * 8 + ["arrakis.read:", "arrakis.create:/", "read:/", "read", "x:"])
        return lead + text

    for _ in range(count):
        scope = " ".join(piece() for _ in range(dice.randint(1, 4)))
        serialized = made(scope=scope)
        token = SciToken.deserialize(serialized)
        _, found = of_qanat(serialized)
        expected = [name for publisher, name in channels if granted(enforcer, token, publisher, name)]
        say(case=scope, expected=sorted(expected), found=sorted(found))


def of_clients():
    """Arrakis's client and igwn_auth_utils find a token by themselves, in the file that the WLCG discovery names."""
    from arrakis.auth import resolve_token
    from igwn_auth_utils import requests as igwn_requests

    path = f"{arguments.dir}/bearer_token"
    os.environ["BEARER_TOKEN_FILE"] = path
    for case, token in [
        ("a token for this host", made(aud=world["audiences"], ver="scitoken:2.0")),
        ("a token for another host", made(aud="https://elsewhere", ver="scitoken:2.0")),
    ]:
        with open(path, "w") as file:
            file.write(token)
        resolved = resolve_token(None, world["arrakis"])
        try:
            status = igwn_requests.get(
                f"{arguments.qanat}/v1/channels", token_scope="arrakis.read", timeout=30
            ).status_code
        except requests.HTTPError as error:
            status = error.response.status_code
        try:
            Client(world["arrakis"]).count()
            arrakis = "accepted"
        except Exception:
            arrakis = "refused"
        say(case=case, found=resolved == token, arrakis=arrakis, status=status)


def publish_cases():
    yield "no token", None
    yield "to read", made()
    yield "to read, and to create as the publisher", made(scope=f"{ALL} arrakis.create:/H1CAL")
    yield "to read, and to create as all", made(scope=f"{ALL} arrakis.create:/")
    yield "to read, and to create without a path", made(scope=f"{ALL} arrakis.create")
    yield "to read, and to create as the publisher, encoded", made(scope=f"{ALL} arrakis.create:/%48%31CAL")
    yield "to read, and to create as another publisher", made(scope=f"{ALL} arrakis.create:/H1SUS")
    yield "to read, and to create as a longer name", made(scope=f"{ALL} arrakis.create:/H1CALX")
    yield "to read, and to create as a shorter name", made(scope=f"{ALL} arrakis.create:/H1CA")
    yield "to read, and to create below the publisher", made(scope=f"{ALL} arrakis.create:/H1CAL/X")
    yield "to read, and to create with a slash at the end", made(scope=f"{ALL} arrakis.create:/H1CAL/")
    yield "to read, and to create in lower case", made(scope=f"{ALL} arrakis.create:/h1cal")
    yield "a broken scope before", made(scope=f"{ALL} read arrakis.create:/H1CAL")
    yield "to create as the publisher alone", made(scope="arrakis.create:/H1CAL")
    yield "expired", made(scope=f"{ALL} arrakis.create:/H1CAL", lifetime=-60)


def publishing(url, token):
    """The answer to a publisher. Neither server has Kafka here, and each says so to one who may publish."""
    command = json.dumps({"request": "Publish", "args": {"publisher_id": "H1CAL"}, "version": "0.5.0"})
    headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
    options = flight.FlightCallOptions(headers=headers, timeout=30)
    with flight.connect(url) as client:
        try:
            # Not by GetFlightInfo: at arrakis-server it needs the scope to read, and no other.
            client.do_get(flight.Ticket(command.encode()), options).read_all()
        except flight.FlightUnauthenticatedError:
            return "unauthenticated"
        except flight.FlightUnauthorizedError:
            return "unauthorized"
        except Exception as error:
            return "allowed" if "publish not supported" in str(error) else repr(error)
    return "allowed"


if arguments.publish:
    for case, token in publish_cases():
        say(case=case, arrakis=publishing(world["arrakis"], token), qanat=publishing(arguments.publish, token))
elif arguments.scopes:
    by_chance(arguments.scopes)
elif arguments.clients:
    of_clients()
else:
    for case, token in cases():
        answer, _ = of_qanat(token)
        say(case=case, arrakis=of_arrakis(token), **answer)
